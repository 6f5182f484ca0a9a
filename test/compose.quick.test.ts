import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseYaml } from '@redocly/openapi-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readConfig, SETTINGS } from '../config.ts';
import { namesOf } from '../settings/setting.ts';
import { isUploadUrl } from '../providers/tiktok/publish.ts';
import { FLAGS } from '../sandbox/flags.ts';
import { DRIVERS } from './drivers/index.ts';

/* Checks of Dockerfile and docker-compose.yml that need no container: everything that they name exists. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const run = promisify(execFile);
const check = (env: Record<string, string>, ...args: string[]) =>
  run(process.execPath, ['scripts/health.ts', ...args], { cwd: ROOT, env });

interface Service {
  image: string;
  command?: string[];
  environment?: Record<string, unknown>;
  env_file?: (string | { path: string })[];
  ports?: string[];
  restart?: string;
  mem_limit?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  profiles?: string[];
  healthcheck?: object;
  volumes?: string[];
}
// What the file says is checked below.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { services, networks } = parseYaml(read('docker-compose.yml')) as {
  services: Record<string, Service>;
  networks: Record<string, { ipam: { config: { subnet: string }[] } }>;
};
const ours = Object.entries(services).filter(([, { image }]) => image.includes('everpost'));
const running = Object.entries(services).filter(([, { restart }]) => restart === 'unless-stopped');

const SETTING_NAMES = namesOf(SETTINGS);
const TEMPORAL_NAMES = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'];
const KNOWN = new Set([...SETTING_NAMES.flatMap((name) => [name, `${name}_FILE`]), ...TEMPORAL_NAMES]);

/** The lines of a `.env`, with what Compose puts in place of `${NAME:-default}` and `${NAME:+other}`. */
function settingsOf(text: string, given: Record<string, string> = {}): Record<string, string> {
  const filled = text
    .replaceAll(/\$\{(\w+):-([^{}]*)\}/g, (_all, name: string, fallback: string) => given[name] || fallback)
    .replaceAll(/\$\{(\w+):\+\$\{(\w+)\}([^{}]*)\}/g, (_all, name: string, other: string, rest: string) =>
      (given[name] ?? '') === '' ? '' : `${given[other]}${rest}`,
    );
  return Object.fromEntries(
    [...filled.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

const sandboxSettings = settingsOf(read('ops/sandbox.env'));
/** The two versions of `.env` in README.md: for the sandbox, and for real platforms. */
const [sandboxEnv = '', realEnv = ''] = [
  ...(read('README.md')
    .split(/^## Docker$/m)[1]
    ?.matchAll(/^```sh\n([A-Z_]+=.*?)^```/gms) ?? []),
].map(([, lines = '']) => lines);

/** The files that the build stage copies from this folder. */
const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) =>
  (sources ?? '').split(' '),
);

/** Every file of ours that a file imports, directly or not. */
function imported(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, name] of read(file).matchAll(/(?:from|import) '(\.{1,2}\/[^']+)'/g))
    imported(join(dirname(file), name ?? ''), seen);
  return seen;
}

describe('Dockerfile', () => {
  test('copies files that exist and that .dockerignore lets through', () => {
    for (const source of copied)
      expect({ source, there: existsSync(join(ROOT, source)) }).toEqual({ source, there: true });
    const letThrough = read('.dockerignore').match(/(?<=^!).+$/gm);
    expect(new Set(letThrough)).toEqual(new Set(copied));
  });

  test('copies everything that its processes import', () => {
    const scripts = ['health', 'migrate', 'make-secrets', 'create-user', 'build-workflows'];
    const entries = [
      'server.ts',
      'worker.ts',
      'media/inspector.ts',
      'sandbox/main.ts',
      'workflows/index.ts',
      'workflows/interceptors.ts',
      ...scripts.map((name) => `scripts/${name}.ts`),
    ];
    const files = entries.flatMap((entry) => [...imported(entry)]);
    const missing = files.filter(
      (file) => !copied.some((source) => file === source || file.startsWith(`${source}/`)),
    );
    expect(missing).toEqual([]);
  });
});

describe('docker-compose.yml', () => {
  test('uses only existing settings, as do the files in ops/', () => {
    const given = ours.flatMap(([, { environment }]) => Object.keys(environment ?? {}));
    expect(given).toContain('EVERPOST_KEYRING_FILE');
    const inFiles = ['sandbox', 'real'].flatMap((name) => Object.keys(settingsOf(read(`ops/${name}.env`))));
    for (const name of [...given, ...inFiles]) expect(KNOWN).toContain(name);
  });

  test('runs existing scripts with flags that the sandbox knows', () => {
    for (const [, { command = [] }] of ours) {
      const script = command.find((word) => word.endsWith('.ts')) ?? '';
      expect({ script, there: existsSync(join(ROOT, script)) }).toEqual({ script, there: true });
    }
    const flags = services['sandbox']?.command?.flatMap((word) => /^--([\w-]+)=/.exec(word)?.[1] ?? []) ?? [];
    expect(flags).not.toEqual([]);
    for (const flag of flags) expect(Object.keys(FLAGS)).toContain(flag);
  });

  test('configures the sandbox just like npm run dev', () => {
    const publicUrl = 'http://everpost.localhost:3000';
    const flags = services['sandbox']?.command?.map((word) => word.replaceAll(/\$\{\w+:-(\d+)\}/g, '$1'));
    for (const { provider, sandboxFlags, settingsFor } of DRIVERS) {
      const app = {
        clientKey: `sandbox-${provider}`,
        clientSecret: `sandbox-${provider}-secret`,
        redirectUri: `${publicUrl}/api/auth/${provider}/callback`,
        webhookUrl: `${publicUrl}/api/webhooks/${provider}`,
        verifyToken: 'sandbox-verify-token',
      };
      expect(flags).toEqual(expect.arrayContaining(sandboxFlags(app)));
      expect(sandboxSettings).toMatchObject(settingsFor(app, 'http://sandbox.localhost:4000'));
    }
  });

  test('starts with the .env of README.md: at most three lines', () => {
    const secrets = {
      DATABASE_URL: 'postgres://postgres/everpost',
      EVERPOST_KEYRING: `k1:${Buffer.alloc(32).toString('base64')}`,
      EVERPOST_ADMIN_KEY: 'a'.repeat(32),
      TIKTOK_CLIENT_SECRET: 'secret',
    };
    const configOf = (lines: string) => {
      expect(lines.trim().split('\n').length).toBeLessThanOrEqual(3);
      const { TIKTOK_CLIENT_SECRET_FILE: file = '', ...given } = settingsOf(lines);
      const platforms = settingsOf(read(`ops/${given['PLATFORMS'] ?? 'real'}.env`), given);
      return { file, ...readConfig('server', { ...secrets, ...platforms, ...given }) };
    };
    const sandbox = configOf(sandboxEnv);
    expect(services['sandbox']?.profiles).toEqual([settingsOf(sandboxEnv)['COMPOSE_PROFILES']]);
    expect({ names: Object.keys(sandbox.providers), warnings: sandbox.warnings }).toEqual({
      names: ['tiktok', 'instagram', 'threads'],
      warnings: [],
    });
    const real = configOf(realEnv);
    expect({ names: Object.keys(real.providers), warnings: real.warnings }).toEqual({
      names: ['tiktok'],
      warnings: [],
    });
    expect(real.providers.tiktok?.redirectUri).toBe('https://everpost.example.com/api/auth/tiktok/callback');
    expect(real.file).toMatch(/^\/run\/secrets\/everpost\/\w+$/);
  });

  test('selects settings by PLATFORMS, whatever the profiles are', () => {
    for (const name of ['server', 'worker-1', 'worker-2'])
      expect(services[name]?.env_file).toEqual([
        'ops/${PLATFORMS:-real}.env',
        { path: '.env', required: false },
      ]);
  });

  test('gives each container the secrets that it needs, and no others', () => {
    const folders = Object.entries(services).map(([name, { volumes = [] }]) => [
      name,
      volumes.flatMap((volume) => /^\.\/secrets(?:\/(\w+))?:/.exec(volume)?.slice(1) ?? []),
    ]);
    expect(Object.fromEntries(folders)).toEqual({
      secrets: [undefined],
      postgres: ['database'],
      migrate: ['database'],
      'temporal-schema': ['database'],
      temporal: ['database'],
      namespace: [],
      'temporal-ui': [],
      server: ['database', 'everpost', 'admin'],
      'worker-1': ['database', 'everpost'],
      'worker-2': ['database', 'everpost'],
      sandbox: [],
    });
    for (const [name, { volumes = [], command = [], environment = {} }] of Object.entries(services)) {
      const mentioned = [...JSON.stringify([command, environment]).matchAll(/\/run\/secrets\/(\w+)\//g)];
      for (const [, folder] of mentioned)
        expect({ name, volumes }).toEqual({
          name,
          volumes: expect.arrayContaining([`./secrets/${folder}:/run/secrets/${folder}:ro`]),
        });
    }
  });

  test('makes the server trust proxies of its own network, which is fixed in advance', () => {
    const subnet = networks['default']?.ipam.config[0]?.subnet;
    expect(services['server']?.environment?.['EVERPOST_TRUSTED_PROXIES']).toBe(
      `\${EVERPOST_TRUSTED_PROXIES:-${subnet}}`,
    );
  });

  test('publishes ports on this machine only, and limits resources', () => {
    expect(running.map(([name]) => name)).toEqual(
      expect.arrayContaining([
        'postgres',
        'temporal',
        'temporal-ui',
        'server',
        'worker-1',
        'worker-2',
        'sandbox',
      ]),
    );
    for (const [name, service] of running)
      expect({ name, memory: service.mem_limit !== undefined, readOnly: service.read_only }).toEqual({
        name,
        memory: true,
        readOnly: true,
      });
    for (const [name, { cap_drop, security_opt }] of Object.entries(services))
      expect({ name, cap_drop, security_opt }).toEqual({
        name,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    for (const port of Object.values(services).flatMap(({ ports = [] }) => ports))
      expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('checks the health of everything it starts; our image does so by itself', () => {
    const unseen = running.filter(
      ([, { image, healthcheck }]) => !image.includes('everpost') && !healthcheck,
    );
    expect(unseen.map(([name]) => name)).toEqual([]);
  });

  test('mounts files that exist, except those that the first start creates', () => {
    const mounted = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0] ?? ''))
      .filter((source) => source.startsWith('./') && !source.startsWith('./secrets'));
    expect(mounted).not.toEqual([]);
    for (const source of mounted) expect(existsSync(join(ROOT, source))).toBe(true);
  });
});

test('no secret gets into git or an image', () => {
  expect(read('.gitignore').split('\n')).toContain('/secrets/');
  expect(read('.dockerignore')).not.toContain('!secrets');
});

test('the image’s health check distinguishes a process that answers from one that does not', async () => {
  const server = createServer((request, response) =>
    response.writeHead(request.url === '/livez' ? 200 : 503).end(),
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  await check({ PORT: '1', EVERPOST_WORKER_PORT: String(port) });
  await check({ PORT: String(port), EVERPOST_WORKER_PORT: '1' });
  await expect(check({ PORT: '1', EVERPOST_WORKER_PORT: '1' })).rejects.toThrow('Command failed');
  await expect(check({}, `http://127.0.0.1:${port}/elsewhere`)).rejects.toThrow('answers 503');
});

test('containers send data to each other by names below localhost, and to no other host without TLS', () => {
  const hosts = ['sandbox.localhost:4000', 'sandbox.localhost.example.com:4000', 'xlocalhost:4000'];
  expect(hosts.map((host) => isUploadUrl(`http://${host}/upload`, hosts))).toEqual([true, false, false]);
});
