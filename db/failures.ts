/*
 * Errors in a form that may be logged and stored: without users' data. Drizzle's messages contain the parameters of a
 * query; PostgreSQL's message, detail and context contain the values of a row.
 */

/**
 * SQLSTATE classes whose messages contain only our own names: connections, rights, tables, locks, resources, shutdown.
 */
const TELLING = /^(08|25|28|40|42|53|55|57|58)/;
/** Node.js codes for failed connections. */
const OF_CONNECTIONS = /^E[A-Z]+$/;
/** For a statement, which refers to its parameters only by number. */
const LONGEST_STATEMENT = 300;

/** A failed query, described in a form that may be logged. */
class QueryFailure extends Error {
  override readonly name = 'QueryFailure';
  /** SQLSTATE, or Node.js's code of the failed connection. */
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

/** The error in a form that may leave the process; the same object if neither it nor its causes contain values. */
export function withoutValues(error: unknown): Error {
  if (!(error instanceof Error)) return new Error('the thrown value is not an Error');
  if (isOfQuery(error)) return new QueryFailure(error);
  if (error instanceof SyntaxError) return unquoted(error);
  const { cause } = error;
  if (cause === undefined) return error;
  const told = cause instanceof Error ? withoutValues(cause) : undefined;
  return told === cause ? error : Object.assign(error, { cause: told });
}

/** Whether PostgreSQL refused the values of a statement: data that do not fit, that break a rule, or that name a row twice. */
export function isDataError(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const code = typeof cause === 'object' && cause !== null ? textOf(cause, 'code') : undefined;
  return /^(21|22|23|54)/.test(code ?? '');
}

/** An error as a log line contains it. */
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

/** The parser quotes the text it could not parse. */
function unquoted(error: SyntaxError): Error {
  const told = new Error('a text could not be read');
  return Object.assign(told, { stack: `${error.name}: ${told.message}${framesOf(error)}` });
}

function textOf(error: object, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : undefined;
}

/** Only the stack frames: the lines before them repeat the message. */
function framesOf(error: object): string {
  const stack = textOf(error, 'stack') ?? '';
  const message = textOf(error, 'message') ?? '';
  const rest = stack.slice(Math.max(0, stack.indexOf(message)) + message.length);
  const from = rest.indexOf('\n    at ');
  return from === -1 ? '' : rest.slice(from);
}
