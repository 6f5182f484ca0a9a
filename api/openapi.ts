import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { PLATFORMS } from '../providers/index.ts';
import { type Access, DOCS } from './access.ts';
import { ERRORS } from './error-codes.ts';
import { EXAMPLES } from './examples.ts';

const TAGS = [
  { name: 'accounts', description: 'Connect creators’ accounts, and look after them.' },
  { name: 'media', description: 'Upload the files that are to be published.' },
  ...Object.entries(PLATFORMS).map(
    ([
      name,
      {
        about: { title },
      },
    ]) => ({
      name,
      description: `Publish to ${title}.`,
    }),
  ),
  { name: 'posts', description: 'Follow, move and cancel posts.' },
  { name: 'content', description: 'Copies of what the platforms know: media, comments and numbers.' },
  { name: 'comments', description: 'Answer and moderate comments.' },
  { name: 'users', description: 'For the operator: users and their keys.' },
  { name: 'webhooks', description: 'For the providers.' },
  { name: 'debug', description: 'For the operator: what has happened, and why.' },
  { name: 'operations', description: 'For orchestrators and monitoring.' },
];

/** The description of the API at /openapi.json, made of the routes' schemas and readable at /docs. */
export async function describeApi(app: FastifyInstance, publicUrl: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Everpost',
        version: '0.1.0',
        description: about(),
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: publicUrl }],
      tags: TAGS,
      components: {
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'A user’s API key.' },
          adminKey: { type: 'http', scheme: 'bearer', description: 'EVERPOST_ADMIN_KEY.' },
        },
      },
    },
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema.$id === 'string' ? schema.$id : `schema${index}`,
    },
    transform: ({ schema, url, route }) => ({
      url,
      schema: {
        ...withDescriptions(withExample(schema)),
        security: securityOf(route.config?.access ?? 'public'),
      },
    }),
  });
  await app.register(swaggerUi, {
    routePrefix: DOCS,
    staticCSP: true,
    transformStaticCSP: (policy) => policy.replace('upgrade-insecure-requests;', ''),
    uiConfig: { deepLinking: true },
    uiHooks: { onRequest: goToFolder },
    // What is tried from the page goes to where the page came from, which need not be the public address.
    transformSpecificationClone: true,
    transformSpecification: (description) => ({ ...description, servers: [{ url: '..' }] }),
  });
  app.get('/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, async () =>
    app.swagger(),
  );
}

/** The page's files are named relatively, so that they are found under any path prefix: its address must end in a slash. */
function goToFolder(request: FastifyRequest, reply: FastifyReply, next: () => void): void {
  const [path] = request.url.split('?', 1);
  if (path === DOCS) void reply.redirect(`.${DOCS}/`);
  else if (path === `${DOCS}/static/index.html`) void reply.redirect('../');
  else next();
}

/** The example stands at the schema of the body, where documentation and generators look for it. */
function withExample<Schema extends { operationId?: string; body?: unknown }>(schema: Schema): Schema {
  const example = EXAMPLES[schema.operationId ?? ''];
  return example === undefined || typeof schema.body !== 'object'
    ? schema
    : { ...schema, body: { ...schema.body, examples: [example] } };
}

/** What an answer is, where its schema does not say so. */
const ANSWERS: Readonly<Record<string, string>> = {
  200: 'The answer.',
  201: 'It has been made.',
  202: 'Accepted, and durable from now on.',
  503: 'It is not ready; the answer says why.',
};

function withDescriptions<Schema extends { response?: unknown }>(schema: Schema): Schema {
  const { response } = schema;
  if (typeof response !== 'object' || response === null) return schema;
  const described = Object.entries(response).map(([status, answer]: [string, unknown]) => {
    const description = ANSWERS[status];
    const isSilent = typeof answer === 'object' && answer !== null && !('description' in answer);
    return [status, isSilent && description !== undefined ? { ...answer, description } : answer];
  });
  return { ...schema, response: Object.fromEntries(described) };
}

function securityOf(access: Access): Record<string, string[]>[] {
  switch (access) {
    case 'public':
      return [];
    case 'admin':
      return [{ adminKey: [] }];
    case 'optional':
      return [{ apiKey: [] }, {}];
    default:
      return [{ apiKey: [] }];
  }
}

function about(): string {
  const codes = Object.entries(ERRORS).map(
    ([code, { status, message }]) =>
      // Markdown takes <key> for HTML.
      `| \`${code}\` | ${status} | ${message.replaceAll('<', '&lt;')} |`,
  );
  return [
    'Durable social publishing you host yourself. Times are RFC 3339 in UTC, ids are strings, lists answer with `nextCursor`.',
    'Send `Idempotency-Key` with every POST that creates: the same request again has the same answer and `Idempotency-Replayed: true`.',
    '',
    'Every refusal has the same shape, except those of the tus protocol itself, which are plain text; `code` is stable. What a provider refuses has codes of its own, with the provider’s words in `details`.',
    '',
    '| code | status | meaning |',
    '| --- | --- | --- |',
    ...codes,
  ].join('\n');
}
