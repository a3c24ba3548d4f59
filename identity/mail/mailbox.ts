/** One mailbox, without the marks that would make several of it in the head of a letter. */
export const MAILBOX = /^[^\s\p{Cc}@,;:<>()[\]"\\]{1,64}@[^\s\p{Cc}@,;:<>()[\]"\\]+$/u;
/** RFC 5321 §4.5.3.1.3 */
export const LONGEST_MAILBOX = 254;
