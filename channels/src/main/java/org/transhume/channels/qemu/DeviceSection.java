package org.transhume.channels.qemu;

/**
 * Where a device's section lies in the tail.
 *
 * @param id section id, chosen by the source
 * @param name device name
 * @param instance tells devices of the same name apart
 * @param version of the device's format
 * @param start first byte of the section in the tail, its type byte
 * @param length bytes, footer included
 */
public record DeviceSection(int id, String name, int instance, int version, int start, int length) {}
