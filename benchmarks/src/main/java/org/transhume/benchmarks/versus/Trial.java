package org.transhume.benchmarks.versus;

/**
 * What one migration took.
 *
 * @param millis the source's {@code total-time}
 * @param wireBytes the source's {@code transferred}
 * @param sourceCpu seconds of user and system time from before {@code migrate} until both ends were done
 * @param destinationCpu the same
 */
record Trial(double millis, long wireBytes, double sourceCpu, double destinationCpu) {
    double cpu() {
        return sourceCpu + destinationCpu;
    }
}
