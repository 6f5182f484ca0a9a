import type { Static } from 'typebox';
import { Mismatch } from '../core/json.ts';
import { graphId } from '../meta/ids.ts';
import { accountByName, userByName, type Instagram } from './context.ts';
import type { Account, AccountSpec, FacebookPage, FacebookUser, PageSpec } from './people.ts';

export function putUser(instagram: Instagram, name: string): FacebookUser {
  const existing = userByName(instagram, name);
  if (existing !== undefined) return existing;
  const user = { id: graphId('1022'), name, declined: [], businessId: graphId('6104') };
  instagram.state.users.push(user);
  return user;
}

/** Adds a professional account, or changes the one with this name. */
export function putAccount(instagram: Instagram, spec: Static<typeof AccountSpec>): Account {
  const existing = accountByName(instagram, spec.username);
  if (existing !== undefined) return Object.assign(existing, spec);
  const account: Account = {
    ...spec,
    id: graphId('1784'),
    scopedId: graphId('2561'),
    igsid: graphId('1163'),
    subscribed: [],
  };
  instagram.state.accounts.push(account);
  return account;
}

/** Adds a page, changes it, or gives another user a role on it. */
export function putPage(instagram: Instagram, spec: Static<typeof PageSpec>): FacebookPage {
  const { pages } = instagram.state;
  const { name, user, tasks, portfolio, instagram: username } = spec;
  const linked = username === null ? null : accountByName(instagram, username);
  if (linked === undefined) throw new Mismatch(`no account ${username}`);
  let page = pages.find((candidate) => candidate.name === name);
  if (page === undefined) {
    page = { id: graphId('1091'), name, portfolio, instagramId: null, admins: [], subscribed: [] };
    pages.push(page);
  }
  const { id: userId } = putUser(instagram, user);
  page.portfolio = portfolio;
  page.instagramId = linked?.id ?? null;
  page.admins = [...page.admins.filter((admin) => admin.userId !== userId), { userId, tasks }];
  return page;
}
