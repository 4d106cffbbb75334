package org.transhume.engine.outgoing;

import java.io.IOException;
import org.transhume.channels.qemu.Command;
import org.transhume.channels.qemu.DeviceTail;
import org.transhume.channels.qemu.MainStreamWriter;
import org.transhume.channels.qemu.SectionKind;
import org.transhume.engine.Clock;
import org.transhume.engine.MigrationState;

/**
 * The pause: stops the guest, sends what is left of it, and hands it over (spec: control.md §6.6). The migration's thread.
 */
final class Switchover {
    private static final double NANOS_PER_MILLI = 1e6;

    private final Passage passage;
    private final HandOver handOver;
    private final Figures figures;
    private final Stage stage;
    private final MainStreamWriter out;
    private final Clock clock;

    Switchover(Passage passage, HandOver handOver) {
        this.passage = passage;
        this.handOver = handOver;
        this.figures = passage.figures();
        this.stage = passage.stage();
        this.out = passage.out();
        this.clock = passage.config().clock();
    }

    /** @param predicted the pause expected, in nanoseconds */
    void run(double predicted) throws IOException {
        stage.during("stopping the guest");
        long begin = figures.paused();
        stage.pause(passage.guest());
        long stopped = clock.nanos();
        long released = stopped;
        if (passage.config().pauseBeforeSwitchover()) {
            hold(passage);
            released = clock.nanos();
        }
        stage.enter(new MigrationState.Device());
        passage.limits().lift();
        stage.during("sending the last pages");
        harvest();
        long harvested = clock.nanos();
        sendLastPages();
        long sent = clock.nanos();
        stage.during("sending the devices");
        DeviceTail tail = passage.guest().saveDevices();
        out.devices(tail);
        out.flush();
        passage.checkOrders();
        stage.during("handing over");
        long devices = handOver.run(tail);
        long end = clock.nanos();
        long arrived = Math.clamp(lastPagesArrived(end), devices, end);
        figures.downtime(new OutgoingReport.Downtime(
                (end - begin) / NANOS_PER_MILLI,
                predicted / NANOS_PER_MILLI,
                (stopped - begin) / NANOS_PER_MILLI,
                (released - stopped) / NANOS_PER_MILLI,
                (harvested - released) / NANOS_PER_MILLI,
                (sent - harvested) / NANOS_PER_MILLI,
                (devices - sent) / NANOS_PER_MILLI,
                (arrived - devices) / NANOS_PER_MILLI,
                (end - arrived) / NANOS_PER_MILLI));
    }

    /** When the destination said so, or {@code unknown}. */
    private long lastPagesArrived(long unknown) {
        Echo.Answer answer = passage.echo().answer();
        return answer != null && answer.number() == passage.echo().asked() ? answer.at() : unknown;
    }

    /** Nothing is sent, and nobody looks at the destination: that it died meanwhile shows when something is sent again. */
    static void hold(Passage passage) throws IOException {
        Stage stage = passage.stage();
        stage.during("waiting before the switchover");
        passage.held().shut(); // whoever opened it before did not mean this pause
        passage.orders().check(); // unless it was to end everything
        stage.enter(new MigrationState.PreSwitchover());
        passage.held().await();
        passage.orders().check();
    }

    private void harvest() {
        figures.endRound();
        long found = passage.pending().harvest();
        figures.pass();
        passage.scanner().beginRound(figures.passes(), true);
        figures.beginRound(found);
    }

    private void sendLastPages() throws IOException {
        if (passage.dialect().switchoverStart()) {
            out.command(new Command.SwitchoverStart());
        }
        out.section(SectionKind.END);
        while (!passage.scanner().scan(passage.sliceEnd())) {
            passage.checkOrders();
        }
        passage.scanner().sync();
        passage.mark();
        passage.forms().digest().send(out);
        out.endOfSection();
        out.flush();
        passage.ask();
        figures.endRound();
        figures.remaining(0);
    }
}
