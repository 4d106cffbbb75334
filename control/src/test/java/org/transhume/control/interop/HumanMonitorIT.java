package org.transhume.control.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.transhume.control.process.IdleGuest;
import org.transhume.control.qmp.Json;
import org.transhume.control.settings.Capability;
import org.transhume.control.settings.Profile;

/** The same lines, in the same order, to the monitor of a QEMU 10.0 and to ours: the same text but for what is explained. */
@Timeout(120)
class HumanMonitorIT {
    private static final List<String> LINES = """
            info status
            info migrate
            info migrate_capabilities
            info migrate_parameters

            help migrate
            help migrate_cancel
            help migrate_continue
            help migrate_incoming
            help migrate_start_postcopy
            help migrate_pause
            help migrate_recover
            help migrate_set_capability
            help migrate_set_parameter
            help info migrate
            help info migrate_capabilities
            help info migrate_parameters
            help info status
            help stop
            help stop now
            help c
            help ?
            help quit
            help ""
            help "migrate"
            help nosuch
            help info nosuch
            help migrate_set_speed
            ? migrate
            nosuch
            nosuch foo
            MIGRATE
            stop;cont
            # a comment
            info nosuch
            info "status"
            "info" status
            info status#
              info    status
            info migrate now
            info migrate -a
            info migrate_cache_size
            migrate
            migrate -d
            migrate -x foo:bar
            migrate - foo:bar
            migrate --d foo:bar
            migrate -dr foo:bar
            migrate -r -d foo:bar
            migrate -d-r foo:bar
            migrate -d foo:bar baz
            migrate -d foo:bar"x"
            migrate -d "foo:b\\"ar\\\\x"
            migrate -d "foo:b\\qr"
            migrate "foo
            migrate -d tcp:1.2.3.4
            migrate -d -r unix:/nowhere/at/all
            migrate_set_capability
            migrate_set_capability events
            migrate_set_capability events ON
            migrate_set_capability events yes
            migrate_set_capability events "on"
            migrate_set_capability events on off
            migrate_set_capability "events" on
            migrate_set_capability even"ts" on
            migrate_set_capability nosuch on
            migrate_set_capability multifd on
            migrate_set_capability xbzrle on
            migrate_set_capability postcopy-ram on
            migrate_set_capability multifd off
            migrate_set_capability switchover-ack on
            migrate_set_parameter
            migrate_set_parameter max-bandwidth
            migrate_set_parameter nosuch 1
            migrate_set_parameter max-bandwidth 1 2
            migrate_set_parameter max-bandwidth 10
            migrate_set_parameter max-bandwidth 1.5
            migrate_set_parameter max-bandwidth 1.5k
            migrate_set_parameter max-bandwidth 10B
            migrate_set_parameter max-bandwidth 1.5x
            migrate_set_parameter max-bandwidth foo
            migrate_set_parameter max-bandwidth -1
            migrate_set_parameter max-bandwidth ""
            migrate_set_parameter max-bandwidth 18014398509481984
            migrate_set_parameter max-bandwidth 1E
            migrate_set_parameter avail-switchover-bandwidth 3
            migrate_set_parameter max-postcopy-bandwidth 3
            migrate_set_parameter max-postcopy-bandwidth 1.5M
            migrate_set_parameter max-postcopy-bandwidth foo
            migrate_set_parameter xbzrle-cache-size 128M
            migrate_set_parameter xbzrle-cache-size 5
            migrate_set_parameter xbzrle-cache-size -1
            migrate_set_parameter downtime-limit 1k
            migrate_set_parameter downtime-limit 1.5
            migrate_set_parameter downtime-limit 0x10
            migrate_set_parameter downtime-limit -1
            migrate_set_parameter downtime-limit foo
            migrate_set_parameter downtime-limit 3000000
            migrate_set_parameter downtime-limit 99999999999999999999
            migrate_set_parameter multifd-channels 300
            migrate_set_parameter multifd-channels 0
            migrate_set_parameter multifd-channels -1
            migrate_set_parameter multifd-channels 1k
            migrate_set_parameter multifd-channels ""
            migrate_set_parameter multifd-channels foo
            migrate_set_parameter multifd-channels 0x5
            migrate_set_parameter multifd-compression zlib
            migrate_set_parameter multifd-compression nosuch
            migrate_set_parameter multifd-zlib-level 10
            migrate_set_parameter tls-hostname a.b
            migrate_set_parameter tls-hostname ""
            migrate_set_parameter tls-creds ""
            migrate_set_parameter tls-creds
            migrate_set_parameter block-bitmap-mapping x
            migrate_set_parameter cpu-throttle-tailslow y
            migrate_set_parameter cpu-throttle-tailslow ON
            migrate_set_parameter cpu-throttle-tailslow 1
            migrate_set_parameter cpu-throttle-initial 0x10
            migrate_set_parameter max-cpu-throttle 3
            migrate_set_parameter announce-rounds 1k
            migrate_set_parameter announce-rounds 7
            migrate_set_parameter x-checkpoint-delay 99999999999
            migrate_set_parameter x-checkpoint-delay 5
            migrate_set_parameter x-vcpu-dirty-limit-period 1k
            migrate_set_parameter vcpu-dirty-limit 1k
            migrate_set_parameter mode foo
            migrate_set_parameter mode cpr-reboot
            migrate_set_parameter mode normal
            migrate_set_parameter zero-page-detection legacy
            migrate_set_parameter direct-io foo
            migrate_set_parameter direct-io off
            info migrate_parameters
            info migrate_capabilities
            migrate_continue
            migrate_continue foo
            migrate_continue pre-switchover
            migrate_continue none
            migrate_incoming
            migrate_incoming unix:/nowhere/at/all
            migrate_start_postcopy
            migrate_pause
            migrate_recover
            migrate_recover unix:/nowhere/at/all
            migrate_cancel
            migrate_cancel now
            migrate_set_speed 1
            migrate_set_downtime 1
            cont now
            cont
            info status
            c
            s now
            stop
            s
            stop "
            info status
            help calc_dirty_rate
            help set_vcpu_dirty_limit
            help cancel_vcpu_dirty_limit
            help info dirty_rate
            help info vcpu_dirty_limit
            info dirty_rate
            calc_dirty_rate
            calc_dirty_rate foo
            calc_dirty_rate 0
            calc_dirty_rate 61
            calc_dirty_rate 1 5
            calc_dirty_rate -r -b 1
            info vcpu_dirty_limit
            set_vcpu_dirty_limit
            cancel_vcpu_dirty_limit
            cancel_vcpu_dirty_limit 0
            calc_dirty_rate 1
            quit now
            q now
            """.lines().toList();

    /** Lines whose answers differ, and why. */
    private static final Map<String, String> EXPLAINED =
            Map.of("migrate_set_parameter mode cpr-reboot", "modes other than normal are not built");

    @TempDir
    Path folder;

    @Test
    void answersAsQemuDoes() throws Exception {
        Map<String, List<String>> differing = new TreeMap<>();
        try (QemuProcess qemu =
                        QemuProcess.atRest(QemuVersion.V10_0, QemuGuest.dirtying(folder), folder.resolve("qemu"));
                IdleGuest guest = new IdleGuest(Profile.V10_0)) {
            for (String line : LINES) {
                String theirs = qemu.monitor(line);
                String ours = withoutOurOwn(guest.dispatcher()
                        .execute("human-monitor-command", Json.object().put("command-line", line))
                        .asString());
                if (!theirs.equals(ours)) {
                    differing.put(line, List.of(theirs, ours));
                }
            }
        }

        Set<String> unexplained = new HashSet<>(differing.keySet());
        unexplained.removeAll(EXPLAINED.keySet());
        assertEquals(Set.of(), unexplained, () -> "QEMU's answer, then ours: " + differing);
        assertEquals(EXPLAINED.keySet(), differing.keySet(), "explanations that nothing needs any more");
    }

    /** Capabilities that only we have stand among QEMU's. */
    private static String withoutOurOwn(String text) {
        String without = text;
        for (Capability capability : Capability.of(Profile.V10_0)) {
            if (capability.wireName().matches("x-(?!colo|ignore-shared).*|mc.*|rdma-keepalive")) {
                without = without.replaceAll("(?m)^" + capability + ": (on|off)\r\n", "");
            }
        }
        return without;
    }
}
