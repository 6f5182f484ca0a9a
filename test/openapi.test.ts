import { join } from 'node:path';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { Client, Connection } from '@temporalio/client';
import type { FastifyInstance } from 'fastify';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { buildApp } from '../api/app.ts';
import { readConfig } from '../config.ts';
import { createEnvelope } from '../crypto/envelope.ts';
import { localKeyProvider } from '../crypto/keys.ts';
import { createMediaLinks } from '../crypto/media-links.ts';
import { type Database, openDatabase } from '../db/client.ts';
import { openMediaStore } from '../media/open.ts';
import { createProviders } from '../providers/index.ts';
import type { Json } from './world.ts';

/* The description for generated clients: valid, complete, and true to the existing routes. */

const ROUTES = `
POST /api/users
PATCH /api/users/{id}
POST /api/users/{id}/keys
DELETE /api/users/{id}/keys/{keyId}
POST /api/connect-links
GET /api/auth/{provider}
POST /api/auth/{provider}
GET /api/auth/{provider}/callback
GET /connected/{token}
GET /api/accounts
GET /api/accounts/{id}
DELETE /api/accounts/{id}
GET /api/accounts/{id}/sync
POST /api/accounts/{id}/sync
GET /api/accounts/{id}/profile
GET /api/accounts/{id}/media
GET /api/accounts/{id}/comments
GET /api/accounts/{id}/insights
GET /api/media-copies/{id}
GET /api/media-copies/{id}/comments
GET /api/media-copies/{id}/insights
GET /api/comments
POST /api/comments/{id}/reply
POST /api/comments/{id}/hide
POST /api/comments/{id}/unhide
POST /api/comments/{id}/delete
POST /api/comments/{id}/like
POST /api/comments/{id}/unlike
POST /api/comments/{id}/approve
POST /api/comments/{id}/ignore
GET /api/comment-actions/{id}
POST /api/media
GET /api/media/{id}
DELETE /api/media/{id}
HEAD /api/media/{id}/upload
PATCH /api/media/{id}/upload
DELETE /api/media/{id}/upload
GET /api/tiktok/creator-info
POST /api/tiktok/upload
GET /api/tiktok/status/{publishId}
POST /api/instagram/publish
GET /api/instagram/limits
POST /api/threads/publish
GET /api/threads/limits
GET /api/posts
GET /api/posts/{id}
PATCH /api/posts/{id}
DELETE /api/posts/{id}
POST /api/posts/{id}/cancel
GET /api/posts/{id}/events
POST /api/webhooks/{provider}
GET /api/webhooks/{provider}
POST /api/webhooks/{provider}/deauthorize
POST /api/webhooks/{provider}/data-deletion
GET /api/data-deletion/{code}
GET /media/{id}/file
GET /api/debug/accounts/{id}
GET /api/debug/events
POST /api/debug/events/{id}/replay
GET /api/debug/attempts
GET /livez
GET /readyz
GET /metrics`
  .trim()
  .split('\n');

/** Routes that the description omits: itself, its pages, and tus's OPTIONS. */
const UNDESCRIBED = [
  /^GET \/openapi\.json$/,
  /^GET \/docs/,
  /^GET \/$/,
  /^OPTIONS \/api\/media\/\{id\}\/upload$/,
  /^GET \/style\.css$/,
];

let app: FastifyInstance;
let database: Database;
let connection: Connection;
let description: Json;
let operations: { name: string; method: string; operation: Json }[];

beforeAll(async () => {
  const config = readConfig('server', {
    DATABASE_URL: inject('postgresUrl'),
    EVERPOST_DIR: join(inject('runDir'), 'openapi'),
    EVERPOST_KEYRING: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
    EVERPOST_ADMIN_KEY: 'an-admin-key-of-this-test-of-the-description',
    EVERPOST_PUBLIC_URL: 'https://everpost.example',
    TIKTOK_CLIENT_KEY: 'key',
    TIKTOK_CLIENT_SECRET: 'secret',
    NEXT_PUBLIC_TIKTOK_REDIRECT_URI: 'https://everpost.example/api/auth/tiktok/callback',
  });
  database = openDatabase(config.databaseUrl, 1);
  connection = Connection.lazy({ address: inject('temporalAddress') });
  const keys = localKeyProvider(config.keyring);
  app = await buildApp({
    config,
    database,
    keys,
    temporal: new Client({ connection }),
    envelope: createEnvelope({ keys }),
    media: openMediaStore(config.mediaUrl),
    mediaLinks: createMediaLinks(config.publicUrl, config.keyring),
    providers: createProviders(config.providers),
    log: { write: () => {} },
  });
  const answer = await app.inject('/openapi.json');
  if (answer.statusCode !== 200) throw new Error(`no description: ${answer.body}`);
  description = answer.json();
  operations = Object.entries<Json>(description.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      operation,
    })),
  );
});
afterAll(async () => {
  await app?.close();
  await connection?.close();
  await database?.close();
});

test('it is valid OpenAPI 3.1, and the linter finds nothing', async () => {
  expect(description.openapi).toMatch(/^3\.1\./);
  expect(description.info).toMatchObject({ title: 'Everpost', license: { identifier: 'Apache-2.0' } });
  expect(description.servers).toEqual([{ url: 'https://everpost.example' }]);
  const problems = await lintFromString({
    source: JSON.stringify(description),
    absoluteRef: 'openapi.json',
    config: await createConfig({ extends: ['recommended'] }),
  });
  const told = problems.map(
    ({ severity, ruleId, message, location }) => `${severity} ${ruleId}: ${message} ${location[0]?.pointer}`,
  );
  expect(told).toEqual([]);
});

test('every JSON body has an example that fits its schema', async () => {
  const bodies = operations.flatMap(({ operation }) => {
    const content = operation.requestBody?.content?.['application/json'];
    return content === undefined ? [] : [{ id: operation.operationId, ...content }];
  });
  expect(bodies.length).toBeGreaterThan(6);
  for (const { id, schema, example } of bodies) {
    if (['receiveWebhook', 'receiveDeauthorization', 'receiveDataDeletion'].includes(id)) continue;
    expect({ id, problems: [...Value.Errors(schema, example)] }).toEqual({ id, problems: [] });
  }
});

test('requests tried at /docs go to the page’s own server', async () => {
  const shown = (await app.inject('/docs/json')).json();
  expect(shown.servers).toEqual([{ url: '..' }]);
  expect(new URL(shown.servers[0].url, 'http://10.0.0.7:3000/docs/json').href).toBe('http://10.0.0.7:3000/');
  expect(new URL(shown.servers[0].url, 'https://a.example/everpost/docs/json').href).toBe(
    'https://a.example/everpost/',
  );
});

test('no text of the description is lost as HTML', () => {
  const texts = JSON.stringify(description, (key, value) =>
    typeof value === 'object' || key === 'description' || key === 'summary' ? value : undefined,
  );
  expect(texts.replaceAll(/`[^`]*`/g, '')).not.toMatch(/<[a-z]/i);
});

test('the bare address has a page for browsers, and addresses for programs', async () => {
  const page = await app.inject({
    url: '/',
    headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
  });
  expect(page.statusCode).toBe(200);
  expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(page.body).toContain('href="./docs"');
  const answer = await app.inject({ url: '/', headers: { accept: '*/*' } });
  expect(answer.json()).toEqual({
    name: 'Everpost',
    docs: '/docs',
    openapi: '/openapi.json',
    readiness: '/readyz',
  });
});

test('it has the routes of the contract, and no others', () => {
  expect(new Set(operations.map(({ name }) => name))).toEqual(new Set(ROUTES));
});

test('it has every existing route', () => {
  const there = routesOf(app.printRoutes({ commonPrefix: false }));
  expect(there.length).toBeGreaterThan(ROUTES.length);
  const missing = there.filter(
    (name) =>
      !ROUTES.includes(name) &&
      !UNDESCRIBED.some((pattern) => pattern.test(name)) &&
      // Fastify answers HEAD wherever it answers GET.
      !(name.startsWith('HEAD ') && there.includes(name.replace('HEAD', 'GET'))),
  );
  expect(missing).toEqual([]);
});

describe('every operation', () => {
  test('has its own name, a summary and an explained tag', () => {
    const ids = operations.map(({ operation }) => operation.operationId);
    // The plugin adds "-head".
    expect(ids).toEqual(ids.map(() => expect.stringMatching(/^[a-z][A-Za-z]+(-head)?$/)));
    expect(new Set(ids).size).toBe(ids.length);
    const tags = new Set(description.tags.map(({ name }: Json) => name));
    for (const { name, operation } of operations) {
      expect({ name, summary: operation.summary }).toEqual({ name, summary: expect.stringMatching(/\w/) });
      expect({ name, known: operation.tags.every((tag: string) => tags.has(tag)) }).toEqual({
        name,
        known: true,
      });
    }
  });

  test('has schemas for its responses', () => {
    for (const { name, method, operation } of operations) {
      const statuses = Object.keys(operation.responses);
      expect({ name, ok: statuses.filter((status) => /^[23]/.test(status)).length }).not.toMatchObject({
        ok: 0,
      });
      for (const [status, response] of Object.entries<Json>(operation.responses)) {
        expect({ name, status, description: response.description }).toEqual({
          name,
          status,
          description: expect.stringMatching(/\w/),
        });
        // Routes with a page for browsers have one beside the JSON.
        const schemas = Object.entries<Json>(response.content ?? {})
          .filter(([type], _index, all) => type !== 'text/html' || all.length === 1)
          .map(([, { schema }]) => schema);
        const isEmpty = method === 'HEAD' || ['204', '302', '303'].includes(status);
        const isRefusal = /^[45]/.test(status) && name !== 'GET /readyz';
        const wanted = isRefusal ? '#/components/schemas/Error' : 'object';
        const told = schemas.map((schema) => (isRefusal ? schema.$ref : typeof schema));
        expect({ name, status, told: isEmpty ? [] : told }).toEqual({
          name,
          status,
          told: isEmpty ? [] : [wanted],
        });
      }
    }
  });

  test('says where a browser gets a page', () => {
    const pages = operations.flatMap(({ name, operation }) =>
      Object.entries<Json>(operation.responses)
        .filter(([, { content }]) => content?.['text/html'] !== undefined)
        .map(([status]) => `${name} ${status}`),
    );
    expect(pages).toEqual(
      expect.arrayContaining([
        'GET /api/auth/{provider} 200',
        'GET /api/auth/{provider} 400',
        'POST /api/auth/{provider} 400',
        'POST /api/auth/{provider} 403',
        'POST /api/auth/{provider} 502',
        'GET /api/auth/{provider}/callback 400',
        'GET /api/auth/{provider}/callback 502',
        'GET /api/data-deletion/{code} 200',
        'GET /connected/{token} 200',
        'GET /connected/{token} 400',
        'GET /connected/{token} 404',
        'GET /connected/{token} 502',
      ]),
    );
  });

  test('of an upload describes the refusal of a request without its version', () => {
    const uploads = operations.filter(({ name }) => name.includes('/media/{id}/upload'));
    expect(uploads.map(({ name }) => name.split(' ')[0])).toEqual(['HEAD', 'PATCH', 'DELETE']);
    for (const { name, operation } of uploads)
      expect({ name, told: operation.responses['412']?.description }).toEqual({
        name,
        told: expect.stringContaining('Tus-Resumable'),
      });
  });

  test('describes its possible refusals', () => {
    for (const { name, operation } of operations) {
      const statuses = Object.keys(operation.responses);
      const security = (operation.security ?? []).flatMap((entry: Json) => Object.keys(entry));
      const isCounted = !/^(GET \/(livez|readyz|metrics)|POST \/api\/webhooks\/\{provider\})$/.test(name);
      const can = [
        '400',
        ...(isCounted ? ['429', '500', '503'] : []),
        ...(security.length > 0 ? ['401', '403'] : []),
        ...(name.includes('{') ? ['404'] : []),
        ...(operation.requestBody === undefined ? [] : ['413', '415']),
        ...(takesKey(operation) ? ['422'] : []),
      ];
      expect({ name, misses: can.filter((status) => !statuses.includes(status)) }).toEqual({
        name,
        misses: [],
      });
    }
  });

  test('describes each of its responses', () => {
    for (const { name, operation } of operations)
      for (const [status, { description: said }] of Object.entries<Json>(operation.responses))
        expect({ name, status, said }).not.toEqual({ name, status, said: 'Default Response' });
  });

  test('that creates something accepts an Idempotency-Key, and no other does', () => {
    const taking = operations.filter(({ operation }) => takesKey(operation)).map(({ name }) => name);
    expect(new Set(taking)).toEqual(
      new Set([
        'POST /api/users',
        'POST /api/users/{id}/keys',
        'POST /api/connect-links',
        'POST /api/media',
        'POST /api/tiktok/upload',
        'POST /api/instagram/publish',
        'POST /api/threads/publish',
        ...['reply', 'hide', 'unhide', 'delete', 'like', 'unlike', 'approve', 'ignore'].map(
          (kind) => `POST /api/comments/{id}/${kind}`,
        ),
      ]),
    );
  });

  test('accepts no undeclared field', () => {
    const bodies = operations
      .map(({ name, operation }) => ({
        name,
        schema: operation.requestBody?.content?.['application/json']?.schema,
      }))
      .filter(({ schema }) => schema !== undefined);
    expect(bodies.length).toBeGreaterThan(5);
    for (const { name, schema } of bodies)
      expect({ name, more: schema.additionalProperties }).toEqual({ name, more: false });
  });
});

test('has a maximum for every text and list of its request', () => {
  const inputs = operations.flatMap(({ name, operation }) => [
    ...(operation.parameters ?? []).map((one: Json) => [`${name} ${one.name}`, one.schema] as const),
    ...Object.values<Json>(operation.requestBody?.content ?? {}).map(
      ({ schema }) => [`${name} body`, schema] as const,
    ),
  ]);
  expect(inputs.length).toBeGreaterThan(50);
  expect(inputs.flatMap(([at, schema]) => unbounded(schema, at))).toEqual([]);
});

test('every error code of ours is explained', () => {
  for (const code of [
    'invalid_request',
    'unknown_field',
    'media_not_ready',
    'duplicate_post',
    'rate_limited',
  ])
    expect(description.info.description).toContain(`\`${code}\``);
});

/** The places where a schema accepts unlimited length: only the bytes of files may. */
function unbounded(schema: Json, at: string): string[] {
  if (schema.contentMediaType !== undefined) return [];
  const kinds = [schema.type].flat();
  const bound = schema.maxLength ?? schema.enum ?? schema.const;
  const isOpen =
    (kinds.includes('string') && bound === undefined && schema.format !== 'uuid') ||
    (kinds.includes('array') && schema.maxItems === undefined) ||
    (schema.type === undefined && (bound ?? schema.anyOf) === undefined);
  return [
    ...(isOpen ? [at] : []),
    ...Object.entries<Json>(schema.properties ?? {}).flatMap(([name, part]) =>
      unbounded(part, `${at}.${name}`),
    ),
    ...(schema.items === undefined ? [] : unbounded(schema.items, `${at}[]`)),
    ...(schema.anyOf ?? []).flatMap((part: Json) => unbounded(part, at)),
  ];
}

function takesKey(operation: Json): boolean {
  return (operation.parameters ?? []).some(
    ({ in: place, name }: Json) => place === 'header' && name.toLowerCase() === 'idempotency-key',
  );
}

/** Parses Fastify's drawing of its routes, with names as in the description. */
function routesOf(drawing: string): string[] {
  const names: string[] = [];
  const parents: string[] = [];
  for (const line of drawing.split('\n')) {
    const [, indent = '', part = '', methods] =
      /^([\s│]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?$/u.exec(line) ?? [];
    if (part === '') continue;
    const depth = indent.length / 4;
    parents.length = depth;
    parents.push(part);
    const path = parents.join('').replaceAll(/:(\w+)/g, '{$1}');
    for (const method of methods?.split(', ') ?? []) names.push(`${method} ${path}`);
  }
  return names;
}
