package org.transhume.channels;

import java.io.File;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.transhume.channels.SystemCalls.Frame;

/** A running shell command with a pipe to its standard input and one from its standard output. */
final class Command {
    /** How long it may take to end after its pipes were closed, and again after it was asked to. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final String text;
    private final Process process;

    private Command(String text, Process process) {
        this.text = text;
        this.process = process;
    }

    static Connection start(Address.Exec address) throws IOException {
        Frame frame = new Frame();
        String what = address.uri();
        int[] toCommand = SystemCalls.pipe(frame);
        int[] fromCommand;
        try {
            fromCommand = SystemCalls.pipe(frame);
        } catch (IOException e) {
            SystemCalls.close(frame, toCommand[0]);
            SystemCalls.close(frame, toCommand[1]);
            throw e;
        }
        // Our ends first: they close themselves if anything below fails. Only they are non-blocking.
        Descriptor output = null;
        Descriptor input = null;
        try {
            output = ownEnd(frame, fromCommand[0], what);
            int end = toCommand[1];
            toCommand[1] = -1;
            input = ownEnd(frame, end, what);
            Process process = new ProcessBuilder("/bin/sh", "-c", address.command())
                    .redirectInput(new File("/proc/self/fd/" + toCommand[0]))
                    .redirectOutput(new File("/proc/self/fd/" + fromCommand[1]))
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            return DescriptorConnection.command(output, input, new Command(address.command(), process));
        } catch (IOException | RuntimeException e) {
            if (output != null) {
                output.close();
            }
            if (input != null) {
                input.close();
            } else if (toCommand[1] >= 0) {
                SystemCalls.close(frame, toCommand[1]);
            }
            throw e;
        } finally {
            SystemCalls.close(frame, toCommand[0]);
            SystemCalls.close(frame, fromCommand[1]);
        }
    }

    private static Descriptor ownEnd(Frame frame, int fd, String what) throws IOException {
        SystemCalls.fcntl(frame, fd, SystemCalls.F_SETFL, SystemCalls.O_NONBLOCK);
        return Descriptor.own(frame, fd, what);
    }

    void awaitEnd(Duration limit) throws IOException {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IOException("command '" + text + "' still runs after " + limit.toMillis()
                        + " ms; it must end when its input does");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException)
                    new InterruptedIOException("interrupted while command '" + text + "' ended").initCause(e);
        }
        if (process.exitValue() != 0) {
            throw new IOException("command '" + text + "' ended with status " + process.exitValue());
        }
    }

    /** Its pipes are closed: lets it end by itself, asks it to, kills it. */
    void end() {
        // Once its shell is gone nobody knows its children.
        List<ProcessHandle> family = process.descendants().toList();
        boolean interrupted = !ended();
        if (process.isAlive()) {
            process.destroy();
            family.forEach(ProcessHandle::destroy);
            interrupted |= !ended();
        }
        if (process.isAlive()) {
            process.destroyForcibly();
            family.forEach(ProcessHandle::destroyForcibly);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Waits; false if the thread was interrupted, which cuts the wait short. */
    private boolean ended() {
        try {
            process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (InterruptedException e) {
            return false; // told to the caller by end()
        }
    }

    @Override
    public String toString() {
        return "exec:" + text;
    }
}
