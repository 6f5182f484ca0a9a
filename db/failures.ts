/*
 * Errors as they may be logged and kept: without what people wrote. A query's parameters stand in the message of drizzle's
 * error, a row's values in message, detail and context of PostgreSQL's.
 */

/** SQLSTATE classes whose messages name nothing but what is ours: connections, rights, tables, locks, room, shutdown. */
const TELLING = /^(08|25|28|40|42|53|55|57|58)/;
/** Codes of Node.js that say what became of a connection. */
const OF_CONNECTIONS = /^E[A-Z]+$/;
/** Of a statement, which has its parameters by number only. */
const LONGEST_STATEMENT = 300;

/** A query that failed, in words that may be logged. */
class QueryFailure extends Error {
  override readonly name = 'QueryFailure';
  /** SQLSTATE, or what became of the connection. */
  readonly code: string | undefined;

  constructor(failed: object) {
    const cause = Reflect.get(failed, 'cause');
    const told: object = cause instanceof Error ? cause : failed;
    const statement = textOf(failed, 'query')?.slice(0, LONGEST_STATEMENT);
    super([...reasons(told), ...(statement === undefined ? [] : [`in ${statement}`])].join(', '));
    this.code = textOf(told, 'code');
    this.stack = `${this.name}: ${this.message}${framesOf(failed)}`;
  }
}

/** The error, as it may leave the process; what has no values in it, nor in its causes, is the very same. */
export function withoutValues(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('something was thrown that is no error');
  if (isOfQuery(error)) return new QueryFailure(error);
  if (error instanceof SyntaxError) return unquoted(error);
  const { cause } = error;
  if (cause === undefined) return error;
  const told = cause instanceof Error ? withoutValues(cause) : undefined;
  return told === cause ? error : Object.assign(error, { cause: told });
}

/** An error as it stands in a log line. */
export interface ErrorLine {
  [key: string]: unknown;
  type: string;
  message: string;
  stack: string;
  code?: string;
  cause?: ErrorLine;
}

export function errorLine(error: unknown): ErrorLine {
  const told = withoutValues(error);
  const code = textOf(told, 'code');
  return {
    type: told.name,
    message: told.message,
    ...(code === undefined ? {} : { code }),
    stack: framesOf(told).slice(1),
    ...(told.cause === undefined ? {} : { cause: errorLine(told.cause) }),
  };
}

function isOfQuery(error: Error): boolean {
  return ('query' in error && 'params' in error) || ('severity' in error && 'routine' in error);
}

function reasons(error: object): string[] {
  const code = textOf(error, 'code');
  // The driver's own errors have no code.
  const telling = code === undefined || TELLING.test(code) || OF_CONNECTIONS.test(code);
  const names = ['table', 'column', 'constraint'].flatMap((kind) => {
    const name = textOf(error, kind);
    return name === undefined ? [] : [`${kind} ${name}`];
  });
  return [
    `the query failed: ${[code, telling ? textOf(error, 'message') : undefined].join(' ').trim()}`,
    ...names,
  ];
}

/** The parser quotes what it could not read. */
function unquoted(error: SyntaxError): Error {
  const told = new Error('a text could not be read');
  return Object.assign(told, { stack: `${error.name}: ${told.message}${framesOf(error)}` });
}

function textOf(error: object, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}

/** Where it was thrown: what stands before that repeats the message. */
function framesOf(error: object): string {
  const stack = textOf(error, 'stack') ?? '';
  const message = textOf(error, 'message') ?? '';
  const rest = stack.slice(Math.max(0, stack.indexOf(message)) + message.length);
  const from = rest.indexOf('\n    at ');
  return from === -1 ? '' : rest.slice(from);
}
