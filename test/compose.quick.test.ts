import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseYaml } from '@redocly/openapi-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SETTINGS } from '../config.ts';
import { isUploadUrl } from '../providers/tiktok/publish.ts';
import { FLAGS } from '../sandbox/flags.ts';

/* What can be known of Dockerfile and docker-compose.yml without a container: that they name what is there. */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const run = promisify(execFile);
const check = (env: Record<string, string>, ...args: string[]) =>
  run(process.execPath, ['scripts/health.ts', ...args], { cwd: ROOT, env });

interface Service {
  image: string;
  command?: string[];
  environment?: Record<string, unknown>;
  env_file?: { path: string }[];
  ports?: string[];
  restart?: string;
  mem_limit?: string;
  read_only?: boolean;
  volumes?: string[];
}
// What the file says is checked below.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { services } = parseYaml(read('docker-compose.yml')) as { services: Record<string, Service> };
const ours = Object.entries(services).filter(([, { image }]) => image.includes('everpost'));
const running = Object.entries(services).filter(([, { restart }]) => restart === 'unless-stopped');

const SETTING_NAMES = SETTINGS.flatMap((setting) => [
  setting.name,
  ...('aliases' in setting ? setting.aliases : []),
]);
const TEMPORAL_NAMES = ['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'];
const KNOWN = new Set([...SETTING_NAMES.flatMap((name) => [name, `${name}_FILE`]), ...TEMPORAL_NAMES]);

const sandboxSettings = new Map(
  read('ops/sandbox.env')
    .split('\n')
    .filter((line) => /^\w/.test(line))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const),
);

/** What a build stage copies from this folder. */
const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, sources]) =>
  (sources ?? '').split(' '),
);

/** What the sandbox is told by a flag. */
const givenFlag = (name: string): string | undefined =>
  services['sandbox']?.command?.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);

/** Every file of ours that a file imports, and so on. */
function imported(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, name] of read(file).matchAll(/(?:from|import) '(\.{1,2}\/[^']+)'/g))
    imported(join(dirname(file), name ?? ''), seen);
  return seen;
}

describe('Dockerfile', () => {
  test('copies what is there, and .dockerignore lets it through', () => {
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
  test('gives settings that exist, and so does ops/sandbox.env', () => {
    const given = ours.flatMap(([, { environment }]) => Object.keys(environment ?? {}));
    expect(given).toContain('EVERPOST_KEYRING_FILE');
    for (const name of [...given, ...sandboxSettings.keys()]) expect(KNOWN).toContain(name);
  });

  test('runs scripts that are there, with flags that the sandbox knows', () => {
    for (const [, { command = [] }] of ours) {
      const script = command.find((word) => word.endsWith('.ts')) ?? '';
      expect({ script, there: existsSync(join(ROOT, script)) }).toEqual({ script, there: true });
    }
    const flags = services['sandbox']?.command?.flatMap((word) => /^--([\w-]+)=/.exec(word)?.[1] ?? []) ?? [];
    expect(flags).not.toEqual([]);
    for (const flag of flags) expect(Object.keys(FLAGS)).toContain(flag);
  });

  test('lets the sandbox and ops/sandbox.env know the same apps', () => {
    const pairs = {
      'client-key': 'TIKTOK_CLIENT_KEY',
      'client-secret': 'TIKTOK_CLIENT_SECRET',
      'redirect-uri': 'NEXT_PUBLIC_TIKTOK_REDIRECT_URI',
      'instagram-app-id': 'NEXT_PUBLIC_INSTAGRAM_APP_ID',
      'instagram-app-secret': 'INSTAGRAM_APP_SECRET',
      'instagram-redirect-uri': 'NEXT_PUBLIC_INSTAGRAM_REDIRECT_URI',
      'instagram-verify-token': 'META_VERIFY_TOKEN',
      'threads-app-id': 'NEXT_PUBLIC_THREADS_APP_ID',
      'threads-app-secret': 'THREADS_APP_SECRET',
      'threads-redirect-uri': 'NEXT_PUBLIC_THREADS_REDIRECT_URI',
      'threads-verify-token': 'META_VERIFY_TOKEN',
    };
    for (const [name, setting] of Object.entries(pairs))
      expect({ name, value: givenFlag(name) }).toEqual({ name, value: sandboxSettings.get(setting) });
  });

  test('publishes ports on this machine only, and bounds what runs', () => {
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
    for (const port of Object.values(services).flatMap(({ ports = [] }) => ports))
      expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  test('mounts files that are there, but for what the first start makes', () => {
    const mounted = Object.values(services)
      .flatMap(({ volumes = [] }) => volumes.map((volume) => volume.split(':')[0] ?? ''))
      .filter((source) => source.startsWith('./') && source !== './secrets');
    expect(mounted).not.toEqual([]);
    for (const source of mounted) expect(existsSync(join(ROOT, source))).toBe(true);
  });
});

test('secrets are made once, for their owner only', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const make = () => run(process.execPath, ['scripts/make-secrets.ts', folder], { cwd: ROOT });
  await make();
  const names = readdirSync(folder);
  expect(names.toSorted()).toEqual(['admin_key', 'database_url', 'keyring', 'postgres_password']);
  const contents = () => names.map((name) => readFileSync(join(folder, name), 'utf8'));
  const first = contents();
  for (const name of names) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o400);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  const { stdout } = await make();
  expect({ stdout, same: contents() }).toEqual({ stdout: '', same: first });
});

test('the health check of the image tells a process that answers from one that does not', async () => {
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

test('containers send bytes to each other by names below localhost, and to no other host without TLS', () => {
  const hosts = ['sandbox.localhost:4000', 'sandbox.localhost.example.com:4000', 'xlocalhost:4000'];
  expect(hosts.map((host) => isUploadUrl(`http://${host}/upload`, hosts))).toEqual([true, false, false]);
});
