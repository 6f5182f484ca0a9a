/** One problem with a request, and how to fix it. */
export interface RequestProblem {
  field: string;
  message: string;
  /** A stable name of the rule, for clients that need it. */
  rule?: string;
  /** For the user who wrote the text or chose the file; absent if only a program can cause the problem. */
  userMessage?: string;
}

/**
 * A problem with text that a user wrote or a file that a user chose.
 * @param subject the user's name for it, as in "The caption"
 * @param message continues the sentence, as in "is longer than 2200 characters; shorten it"
 */
export function contentProblem(
  subject: string,
  field: string,
  message: string,
  rule?: string,
): RequestProblem {
  return { field, message, userMessage: `${subject} ${message}.`, ...(rule === undefined ? {} : { rule }) };
}
