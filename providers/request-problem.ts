/** One thing that is wrong with a request, and what to do about it. */
export interface RequestProblem {
  field: string;
  message: string;
  /** Names the rule for good, where clients may want to know it. */
  rule?: string;
  /** For the person who wrote the text or chose the file; absent: only a program can have sent this. */
  userMessage?: string;
}

/**
 * A problem with what a person has written or chosen.
 * @param subject what it is for them, as in "The caption"
 * @param message goes on from there, as in "is longer than 2200 characters; shorten it"
 */
export function contentProblem(
  subject: string,
  field: string,
  message: string,
  rule?: string,
): RequestProblem {
  return { field, message, userMessage: `${subject} ${message}.`, ...(rule === undefined ? {} : { rule }) };
}
