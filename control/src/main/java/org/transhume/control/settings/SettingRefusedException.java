package org.transhume.control.settings;

/** A setting was not accepted; nothing has changed. The message is the text for the client. */
public final class SettingRefusedException extends Exception {
    private static final long serialVersionUID = 1;

    public SettingRefusedException(String message) {
        super(message);
    }
}
