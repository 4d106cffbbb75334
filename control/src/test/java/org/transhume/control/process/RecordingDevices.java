package org.transhume.control.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.transhume.control.devices.ColoStatus;
import org.transhume.control.devices.DeviceEvents;
import org.transhume.control.devices.DeviceLayer;
import org.transhume.control.devices.SpiceTarget;
import org.transhume.control.qmp.QmpError;

/** Devices that remember what they were told: block nodes with names of snapshots, a display, COLO if a test says so. */
class RecordingDevices implements DeviceLayer {
    final Map<String, Set<String>> nodes = new HashMap<>();
    volatile DeviceEvents events;
    volatile ColoStatus colo = ColoStatus.NONE;
    volatile Optional<String> replicationError = Optional.empty();
    volatile boolean spice;
    private final List<String> calls = Collections.synchronizedList(new ArrayList<>());

    RecordingDevices() {
        for (String node : List.of("disk", "other", "empty")) {
            nodes.put(node, Collections.synchronizedSet(new HashSet<>()));
        }
    }

    List<String> calls() {
        return List.copyOf(calls);
    }

    @Override
    public void attach(DeviceEvents told) {
        events = told;
    }

    @Override
    public Optional<Set<String>> snapshots(String node) {
        return Optional.ofNullable(nodes.get(node));
    }

    @Override
    public void saveSnapshot(String tag, String vmstate, List<String> devices) throws QmpError {
        calls.add("save " + tag + " " + vmstate + " " + devices);
        devices.forEach(device -> nodes.get(device).add(tag));
    }

    @Override
    public void loadSnapshot(String tag, String vmstate, List<String> devices) throws QmpError {
        calls.add("load " + tag + " " + vmstate + " " + devices);
    }

    @Override
    public void deleteSnapshot(String tag, List<String> devices) throws QmpError {
        calls.add("delete " + tag + " " + devices);
        devices.forEach(device -> nodes.get(device).remove(tag));
    }

    @Override
    public ColoStatus coloStatus() {
        return colo;
    }

    @Override
    public void loseHeartbeat() {
        calls.add("lost");
        events.coloExited(colo.mode(), ColoStatus.Reason.REQUEST);
        colo = new ColoStatus(colo.mode(), colo.last(), ColoStatus.Reason.PROCESSING);
    }

    @Override
    public void saveXenState(Path file, boolean live) {
        calls.add("xen save " + file + " " + live);
        try {
            Files.writeString(file, "devices");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void loadXenState(Path file) {
        calls.add("xen load " + file);
    }

    @Override
    public void replicate(boolean enable, boolean primary, boolean failover) {
        calls.add("replicate " + enable + " " + primary + " " + failover);
    }

    @Override
    public Optional<String> replicationError() {
        return replicationError;
    }

    @Override
    public void checkpointReplication() throws QmpError {
        calls.add("checkpoint");
        throw new QmpError(replicationError.orElseThrow());
    }

    @Override
    public boolean spice() {
        return spice;
    }

    @Override
    public void handSpiceOver(SpiceTarget target) {
        calls.add("spice " + target);
    }

    @Override
    public void reloadVncCertificates() {
        calls.add("reload");
    }
}
