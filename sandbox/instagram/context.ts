import type { Core } from '../core/core.ts';
import { Mismatch } from '../core/json.ts';
import type { Verify } from '../meta/handshake.ts';
import type { Puller } from '../meta/pull.ts';
import type { App } from './app.ts';
import type { Options } from './options.ts';
import type { Account, FacebookPage, FacebookUser } from './people.ts';
import type { Container, InstagramState, Media } from './state.ts';

export interface Instagram {
  core: Core;
  app: App;
  options: Options;
  state: InstagramState;
  puller: Puller;
  verify: Verify;
}

export function userByName({ state }: Instagram, name: string | undefined): FacebookUser | undefined {
  return name === undefined ? state.users[0] : state.users.find((user) => user.name === name);
}

export function accountByName({ state }: Instagram, name: string | undefined): Account | undefined {
  return name === undefined ? state.accounts[0] : state.accounts.find((account) => account.username === name);
}

/** As `accountByName`, for controls. */
export function accountNamed(instagram: Instagram, name: string | undefined): Account {
  const account = accountByName(instagram, name);
  if (account === undefined) throw new Mismatch(`no account ${name}`);
  return account;
}

export function accountOf({ state }: Instagram, id: string): Account {
  const account = state.accounts.find((candidate) => candidate.id === id);
  if (account === undefined) throw new Error(`no account ${id}`);
  return account;
}

/** The pages of a user that the app may see: those chosen in the dialog. */
export function grantedPages({ state }: Instagram, userId: string): FacebookPage[] {
  const grant = state.grants[userId];
  if (grant === undefined) return [];
  return state.pages.filter(
    ({ id, admins }) =>
      admins.some((admin) => admin.userId === userId) && (grant.pages === null || grant.pages.includes(id)),
  );
}

export function mediaOf({ state }: Instagram, accountId: string): Media[] {
  return state.media.filter((media) => media.accountId === accountId);
}

/** A container lives for 24 hours (instagram-facts 4.1). */
export function containerNow({ core, options }: Instagram, container: Container): Container {
  const end = container.createdAt + options.containerSeconds * 1_000;
  const open = container.status === 'IN_PROGRESS' || container.status === 'FINISHED';
  if (open && core.clock.now() >= end) container.status = 'EXPIRED';
  return container;
}
