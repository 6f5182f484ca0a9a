import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { createGzip } from 'node:zlib';
import { ROOT } from './checkout.ts';
import { environment } from './environment.ts';
import { freePorts } from './ports.ts';
import { run } from './run.ts';

const PROJECT = `everpost-trial-${process.pid}`;
/** The sandbox's image has the same name with `-sandbox` appended. */
const IMAGE = `localhost/${PROJECT}`;
const TARGETS = { everpost: IMAGE, sandbox: `${IMAGE}-sandbox` };

/** docker-compose.yml, running with its own name, folder, ports and network. */
export interface ComposedStack {
  apiUrl: string;
  sandboxUrl: string;
  /** `docker compose`, in that folder. */
  compose(...args: string[]): Promise<string>;
  /** The containers that keep running. */
  containers(): Promise<{ service: string; id: string }[]>;
}

export const docker = (...args: string[]): Promise<string> => run(['docker', ...args]);

/** @throws Error that says what is missing */
export async function needEngine(): Promise<void> {
  const needed = [
    ['compose version', 'Docker Compose 2.24 or newer: `docker compose version` must work'],
    ['info', 'a container engine: `docker info` must work (podman: let DOCKER_HOST name its API socket)'],
  ] as const;
  for (const [command, what] of needed)
    await docker(...command.split(' ')).catch(() => {
      throw new Error(`npm run test:compose needs ${what}.`);
    });
}

export async function buildImages(): Promise<void> {
  for (const [target, image] of Object.entries(TARGETS))
    await docker('build', '--target', target, '--tag', image, ROOT);
}

/** @returns bytes, as a registry would store the image */
export async function compressedSize(): Promise<number> {
  const saving = spawn('docker', ['save', IMAGE], { stdio: ['ignore', 'pipe', 'inherit'] });
  let bytes = 0;
  for await (const chunk of saving.stdout.pipe(createGzip()))
    if (Buffer.isBuffer(chunk)) bytes += chunk.length;
  return bytes;
}

/**
 * Starts the stack, and removes everything again after `use`: containers, volumes, network, images, folder.
 * @param dotEnv the `.env` of the installation
 */
export async function withComposedStack(
  dotEnv: string,
  use: (stack: ComposedStack) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'everpost-compose-'));
  for (const name of ['docker-compose.yml', 'ops'])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  writeFileSync(join(folder, '.env'), dotEnv);
  const [port, sandboxPort, uiPort] = await freePorts(3);
  const env = {
    ...environment,
    COMPOSE_FILE: 'docker-compose.yml',
    COMPOSE_PROJECT_NAME: PROJECT,
    IMAGE,
    PORT: `${port}`,
    SANDBOX_PORT: `${sandboxPort}`,
    TEMPORAL_UI_PORT: `${uiPort}`,
    SUBNET: `10.213.${48 + (process.pid % 200)}.0/24`,
  };
  const compose = (...args: string[]): Promise<string> =>
    run(['docker', 'compose', ...args], { cwd: folder, env });
  try {
    await compose('up', '--detach', '--no-build');
    await use({
      apiUrl: `http://everpost.localhost:${port}`,
      sandboxUrl: `http://sandbox.localhost:${sandboxPort}`,
      compose,
      async containers() {
        const lines = (await compose('ps', '--format', '{{.Service}} {{.ID}}')).split('\n');
        return lines.map((line) => line.split(' ')).map(([service = '', id = '']) => ({ service, id }));
      },
    });
  } catch (error) {
    console.error(await compose('ps', '--all').catch(String));
    console.error(await compose('logs', '--tail', '20', 'server', 'worker-1', 'worker-2').catch(String));
    throw error;
  } finally {
    await compose('down', '--volumes', '--timeout', '10');
    // The secrets belong to the containers' user.
    await docker(
      'run',
      '--rm',
      '--user',
      '0',
      '--volume',
      `${folder}:/trial`,
      IMAGE,
      'rm',
      '-r',
      '-f',
      '/trial/secrets',
    );
    await docker('image', 'rm', ...Object.values(TARGETS));
    rmSync(folder, { recursive: true });
  }
}
