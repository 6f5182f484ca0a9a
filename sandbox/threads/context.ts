import type { Core } from '../core/core.ts';
import type { Verify } from '../meta/handshake.ts';
import type { Puller } from '../meta/pull.ts';
import type { App } from './app.ts';
import type { Options } from './options.ts';
import type { Container, Profile, ThreadsState } from './state.ts';

export interface Threads {
  core: Core;
  app: App;
  options: Options;
  state: ThreadsState;
  puller: Puller;
  verify: Verify;
}

export function profileByName({ state }: Threads, username: string | undefined): Profile | undefined {
  return username === undefined
    ? state.profiles[0]
    : state.profiles.find((profile) => profile.username === username);
}

export function profileOf({ state }: Threads, id: string): Profile {
  const profile = state.profiles.find((candidate) => candidate.id === id);
  if (profile === undefined) throw new Error(`no profile ${id}`);
  return profile;
}

/** A container lives for 24 hours (threads-facts 4.4). */
export function containerNow({ core, options }: Threads, container: Container): Container {
  const end = container.createdAt + options.containerSeconds * 1_000;
  const open = container.status === 'IN_PROGRESS' || container.status === 'FINISHED';
  if (open && core.clock.now() >= end) container.status = 'EXPIRED';
  return container;
}
