import pTimeout from 'p-timeout';
import { withoutValues } from '../../db/failures.ts';

/**
 * A finding of the doctor: fine, worth a look, or to be fixed before Everpost works. Texts say what to do and contain
 * no secret.
 */
export interface Finding {
  grade: 'ok' | 'warning' | 'failure';
  text: string;
}

export interface Check {
  subject: string;
  examine: () => Promise<Finding[]>;
}

export const ok = (text: string): Finding => ({ grade: 'ok', text });
export const warning = (text: string): Finding => ({ grade: 'warning', text });
export const failure = (text: string): Finding => ({ grade: 'failure', text });

/** A check that hangs is abandoned: one dead part does not hide the others. */
const LIMIT_MS = 15_000;

/** The findings of a check, in bounded time; its exceptions are findings too. */
export async function examined({ subject, examine }: Check): Promise<Finding[]> {
  const late = `no answer within ${LIMIT_MS / 1000} s: is what ${subject} needs reachable from here?`;
  try {
    return await pTimeout(examine(), { milliseconds: LIMIT_MS, fallback: () => [failure(late)] });
  } catch (error) {
    const { message } = withoutValues(error);
    return [failure(`could not be checked (${message}): fix the other findings, then run the doctor again`)];
  }
}
