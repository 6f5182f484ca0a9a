import { createServer } from 'node:http';
import { createControls } from './core/control.ts';
import { createCore, type Core, type FakeProvider } from './core/core.ts';
import { createDispatch } from './core/dispatch.ts';
import { createInstagram, type InstagramSetup } from './instagram/index.ts';
import { createThreads, type ThreadsSetup } from './threads/index.ts';
import { createTikTok, type TikTokSetup } from './tiktok/index.ts';

export interface SandboxOptions {
  /** 0 or absent: a free one. */
  port?: number;
  /** Address to listen on; loopback without it. */
  host?: string;
  /** Absent: memory only. */
  stateDir?: string;
  tiktok?: TikTokSetup;
  instagram?: InstagramSetup;
  threads?: ThreadsSetup;
  /** Makes more platforms, which no product knows. */
  more?: (core: Core) => FakeProvider[];
}

export interface Sandbox {
  url: string;
  core: Core;
  close: () => Promise<void>;
}

export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const closing = new AbortController();
  const core = createCore(options.stateDir, closing.signal);
  const providers: FakeProvider[] = [
    ...(options.tiktok === undefined ? [] : [createTikTok(core, options.tiktok)]),
    ...(options.instagram === undefined ? [] : [createInstagram(core, options.instagram)]),
    ...(options.threads === undefined ? [] : [createThreads(core, options.threads)]),
    ...(options.more?.(core) ?? []),
  ];
  const routes = providers.flatMap((provider) => provider.routes);
  const controls = providers.flatMap((provider) => provider.controls);
  const dispatch = createDispatch(core, routes, [...createControls(core, providers), ...controls]);

  const server = createServer((incoming, response) => void dispatch(incoming, response));
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, options.host ?? '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  core.jobs.start();

  async function close(): Promise<void> {
    const idle = core.jobs.close();
    closing.abort();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    await idle;
    await core.webhooks.close();
    await Promise.all(providers.map((provider) => provider.close()));
    core.store.flush();
  }

  return { url: `http://127.0.0.1:${port}`, core, close };
}
