import type { Json } from './client.ts';
import type { Offence } from './offence.ts';
import { DRIVERS } from '../test/drivers/index.ts';
import { listOf } from '../test/drivers/sandbox.ts';
import type { World } from './world.ts';

/** What is known about a post that offends: its row, its attempts, its publishes and last requests at the sandbox. */
export async function evidenceOf(
  { stack: { sql }, api }: World,
  { postId, title }: Offence,
): Promise<string> {
  if (postId === null) return '';
  const [post] = await sql`
    select id, state, phase, publish_id, error, plan, scheduled_at, created_at, updated_at from posts where id = ${postId}`;
  const attempts = await sql`
    select step, status, provider_ref, error_code, token_version, created_at, sent_at, finished_at
    from publish_attempts where post_id = ${postId} order by created_at`;
  const ids = [...attempts.map((row) => row['provider_ref']), post?.['publish_id']];
  // As it stands in a body, and as a part of a URL: no other title begins like this.
  const refs = [...ids, `"${title}"`, `/${title}/`].filter((ref) => typeof ref === 'string');
  const requests: Json[] = await api.control('GET', '/requests');
  const publishes: Json[] = [];
  for (const { provider } of DRIVERS) publishes.push(...(await listOf(api, `/${provider}/publishes`)));
  const names = (row: Json): boolean => refs.some((ref) => JSON.stringify(row).includes(ref));
  return [
    `post ${JSON.stringify(post)}`,
    ...attempts.map((row) => `attempt ${JSON.stringify(row)}`),
    ...publishes
      .filter(names)
      .map(
        ({ id, status, failReason, live }) =>
          `sandbox ${id} ${status} ${failReason ?? ''} ${live === true ? 'live' : ''}`,
      ),
    ...requests
      .filter(names)
      .slice(-12)
      .map(
        ({ at, endpoint, status, fault, note }) =>
          `request ${at} ${endpoint} ${status} ${fault ?? ''} ${note ?? ''}`,
      ),
  ]
    .map((line) => `    ${line}`)
    .join('\n');
}
