import { randomBytes } from 'node:crypto';
import { json, Refusal, type Reply } from '../core/http.ts';

export interface GraphError {
  code: number;
  subcode?: number | undefined;
  message: string;
  /** Mostly OAuthException; Instagram Login has IGApiException, Threads THApiException (threads-facts 13). */
  type?: string | undefined;
  status?: number | undefined;
  title?: string | undefined;
  headers?: Record<string, string> | undefined;
}

const TRANSIENT = [1, 2];

/** The error envelope of the Graph family (instagram-facts 5.1, threads-facts 5). */
function body({ code, subcode, message, type = 'OAuthException', title }: GraphError): string {
  return JSON.stringify({
    error: {
      message,
      type,
      code,
      ...(subcode === undefined ? {} : { error_subcode: subcode }),
      is_transient: TRANSIENT.includes(code),
      // Localized in the real world: a client that reads them instead of the codes is wrong (instagram-facts 5.1).
      ...(title === undefined ? {} : { error_user_title: title, error_user_msg: message }),
      fbtrace_id: `A${randomBytes(17).toString('base64url')}`,
    },
  });
}

export function refuseGraph(error: GraphError): never {
  throw new Refusal(graphErrorReply(error));
}

export function graphErrorReply(error: GraphError): Reply {
  return json(error.status ?? 400, body(error), error.headers);
}

/** For forced errors: `code` is `4`, or with its subcode `4/2207051`. */
export function graphErrorBody(code: string, message: string): string {
  const { code: number, subcode } = parseCode(code);
  return body({ code: number, subcode, message });
}

export function parseCode(text: string): { code: number; subcode: number | undefined } {
  const [, code, subcode] = /^(-?\d+)(?:\/(\d+))?$/.exec(text) ?? [];
  return { code: Number(code ?? 1), subcode: subcode === undefined ? undefined : Number(subcode) };
}

/** The flat body of the code exchanges of Instagram Login and Threads: no `error` object (instagram-facts 3.3, threads-facts 2.4). */
export function refuseFlat(message: string, status = 400): never {
  throw new Refusal(json(status, flatErrorBody('400', message)));
}

export function flatErrorBody(code: string, message: string): string {
  const error = { error_type: 'OAuthException', code: parseCode(code).code, error_message: message };
  return JSON.stringify(error);
}
