import { PullFailed } from '../meta/pull.ts';
import type { VideoFacts } from '../meta/video-facts.ts';
import { containerNow, type Instagram } from './context.ts';
import { maxVideoBytes, videoProblem } from './media-rules.ts';
import { PROBLEMS, type Problem } from './problems.ts';
import type { Container } from './state.ts';

/** How long a carousel waits before it checks its children again. */
const LOOK_AGAIN_MS = 200;

/** The processing of a new container (instagram-facts 4.3). */
export function registerProcessing(instagram: Instagram): void {
  const { jobs } = instagram.core;
  jobs.on('instagram.process', (id) => process(instagram, id));
  jobs.on('instagram.pull', (id) => pullVideo(instagram, id));
}

export function processSoon({ core, options }: Instagram, { id }: Container): void {
  core.jobs.at(core.clock.now() + options.processingMs, 'instagram.process', id);
}

export function failContainer(container: Container, problem: Problem): void {
  const [, subcode] = PROBLEMS[problem];
  const what = problem === 'downloadFailed' || problem === 'notFetched' ? 'download' : 'upload';
  container.status = 'ERROR';
  container.statusText = `Error: Media ${what} has failed with error code ${subcode}`;
}

/** Called when all bytes of a video are here. */
export function videoComes(instagram: Instagram, container: Container, video: VideoFacts | null): void {
  container.durationMs = video?.durationMs ?? null;
  const { options } = instagram;
  const problem = options.checkMedia ? videoProblem(video, container, options) : null;
  if (problem === null) processSoon(instagram, container);
  else failContainer(container, problem);
}

function open(instagram: Instagram, id: string): Container | undefined {
  const container = instagram.state.containers[id];
  if (container === undefined) return undefined;
  return containerNow(instagram, container).status === 'IN_PROGRESS' ? container : undefined;
}

function process(instagram: Instagram, id: string): void {
  const container = open(instagram, id);
  if (container === undefined) return;
  const { core, state } = instagram;
  const children = container.children.map((child) => state.containers[child]?.status);
  if (children.includes('IN_PROGRESS')) {
    return core.jobs.at(core.clock.now() + LOOK_AGAIN_MS, 'instagram.process', id);
  }
  if (children.some((status) => status !== 'FINISHED')) return failContainer(container, 'uploadFailed');
  const forced = state.failNext.shift();
  if (forced === undefined) {
    container.status = 'FINISHED';
    return;
  }
  container.status = 'ERROR';
  container.statusText = `Error: Media upload has failed with error code ${forced}`;
}

/** A failed fetch of a video fails its container, not the request that created it (instagram-facts 11). */
async function pullVideo(instagram: Instagram, id: string): Promise<void> {
  const container = open(instagram, id);
  const url = container?.params['video_url'];
  if (container === undefined || url === undefined) return;
  const { options, puller, core } = instagram;
  const limits = { maxBytes: maxVideoBytes(container.kind), timeoutMs: options.pullTimeoutSeconds * 1_000 };
  try {
    const { size, sha256, video } = await puller.pull(url, 'video', limits);
    if (open(instagram, id) === undefined) return;
    container.files.push({ url, size, sha256 });
    videoComes(instagram, container, video);
  } catch (error) {
    if (core.closing.aborted || !(error instanceof PullFailed)) return;
    const tooLarge = error.why === 'too large';
    if (open(instagram, id) !== undefined) {
      failContainer(container, tooLarge ? 'videoFormat' : 'downloadFailed');
    }
  }
}
