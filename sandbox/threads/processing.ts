import { PullFailed } from '../meta/pull.ts';
import { containerNow, type Threads } from './context.ts';
import { MAX_BYTES, mediaProblem } from './media-rules.ts';
import type { Container } from './state.ts';

/** The processing of a new container; text ones have it too (threads-facts 4.4). */
export function registerProcessing(threads: Threads): void {
  threads.core.jobs.on('threads.process', (id, dueAt) => process(threads, id, dueAt));
  threads.core.jobs.on('threads.pull', (id) => pullVideo(threads, id));
}

export function processSoon({ core, options }: Threads, { id }: Container): void {
  core.jobs.at(core.clock.now() + options.processingMs, 'threads.process', id);
}

export function failContainer(container: Container, message: string): void {
  container.status = 'ERROR';
  container.errorMessage = message;
}

function open(threads: Threads, id: string): Container | undefined {
  const container = threads.state.containers[id];
  if (container === undefined) return undefined;
  return containerNow(threads, container).status === 'IN_PROGRESS' ? container : undefined;
}

function process(threads: Threads, id: string, dueAt: number): void {
  const container = open(threads, id);
  if (container === undefined) return;
  const children = container.children.map((child) => threads.state.containers[child]?.status);
  if (children.some((status) => status !== 'FINISHED')) return failContainer(container, 'UNKNOWN');
  const forced = threads.state.failNext.shift();
  if (forced !== undefined) return failContainer(container, forced);
  container.status = 'FINISHED';
  container.finishedAt = dueAt;
}

async function pullVideo(threads: Threads, id: string): Promise<void> {
  const container = open(threads, id);
  const url = container?.params['video_url'];
  if (container === undefined || url === undefined) return;
  const { core, options, puller } = threads;
  try {
    const limits = { maxBytes: MAX_BYTES.video, timeoutMs: options.pullTimeoutSeconds * 1_000 };
    const pulled = await puller.pull(url, 'video', limits);
    if (open(threads, id) === undefined) return;
    container.files.push({ url, size: pulled.size, sha256: pulled.sha256 });
    const problem = mediaProblem(pulled, 'video', options);
    if (problem === null) processSoon(threads, container);
    else failContainer(container, problem);
  } catch (error) {
    if (core.closing.aborted || !(error instanceof PullFailed)) return;
    if (open(threads, id) !== undefined) failContainer(container, 'FAILED_DOWNLOADING_VIDEO');
  }
}
