/** The call's words are off: the command's usage is shown with the message. */
export class UsageError extends Error {}
