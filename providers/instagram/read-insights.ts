import type { Insight, MetricsState, Subject } from '../../reading.ts';
import { DAY } from '../../durations.ts';
import { ProviderError } from '../errors.ts';
import { text, word } from '../json.ts';
import { isMissing } from '../meta/reads.ts';
import type { Page, Question, ReadCall } from '../reading.ts';
import type { Login } from './client.ts';
import { numbersOf } from './numbers.ts';
import { rowsOf } from './read-media.ts';
import { codeOf, createReads, type Reads } from './reads.ts';

/* The numbers of one media (instagram-facts 7.4 and 12): one call, unless the platform refuses a metric. */

const EVERYWHERE = ['views', 'reach', 'shares', 'reposts', 'total_interactions'];
const ON_POSTS = ['likes', 'comments', 'saved'];
const ON_PROFILE = ['follows', 'profile_visits', 'profile_activity'];
const FEED = [...EVERYWHERE, ...ON_POSTS, ...ON_PROFILE];

/**
 * By product type. `facebook_views` and `crossposted_views` are left out, because they fail the call for media that are
 * not shared to Facebook, and the totals because the list tells them.
 */
const METRICS: Readonly<Record<string, readonly string[]>> = {
  FEED,
  REELS: [
    ...EVERYWHERE,
    ...ON_POSTS,
    'ig_reels_avg_watch_time',
    'ig_reels_video_view_total_time',
    'reels_skip_rate',
  ],
  STORY: [...EVERYWHERE, ...ON_PROFILE, 'navigation', 'replies'],
};

/** The metrics that have a breakdown, which takes a call of its own. */
const BREAKDOWNS: Readonly<Record<string, { metric: string; breakdown: string }>> = {
  FEED: { metric: 'profile_activity', breakdown: 'action_type' },
  STORY: { metric: 'navigation', breakdown: 'story_navigation_action_type' },
};

const productOf = ({ values }: Subject): string => word(values['productType']) ?? 'FEED';

/** The entry of a product type, which may be any text. */
const entryOf = <T>(of: Readonly<Record<string, T>>, product: string): T | undefined =>
  Object.hasOwn(of, product) ? of[product] : undefined;

/** Instagram refuses metrics by product and media type (instagram-facts 12). */
export const kindOf = (subject: Subject): string =>
  `${productOf(subject)} ${text(subject.values['mediaType']) ?? ''}`.trim();

/** @throws ProviderError; what the platform says of this media alone is a state of it, and no error */
export async function readInsights(
  login: Login,
  { subject, refused }: Question,
  call: ReadCall,
): Promise<Page> {
  if (subject === null) throw new Error('insights are of a media');
  const reads = createReads(login, call);
  const product = productOf(subject);
  const wanted = [
    ...(entryOf(METRICS, product) ?? FEED),
    ...(product === 'STORY' ? login.tells.storyMetrics : []),
  ].filter((metric) => !refused.includes(metric));
  const page = (rest: Pick<Page, 'insights' | 'metricsState' | 'refused'>): Page => ({
    items: [],
    next: null,
    ...rest,
    ...reads.told(),
  });
  if (wanted.length === 0) return page({ metricsState: 'not_supported' });
  try {
    const { insights, refused: learnt } = await readOrEach(reads, subject, wanted);
    // Then it is this media that has none, rather than each metric that its kind has not.
    if (learnt.length === wanted.length) return page({ metricsState: 'not_supported' });
    const parts = await readParts(reads, subject, insights, refused);
    return page({
      insights: [...insights, ...parts.insights],
      metricsState: insights.length === 0 ? 'empty' : 'ok',
      refused: [...learnt, ...parts.refused],
    });
  } catch (error) {
    const state = stateOf(error, product);
    if (state === null) throw error;
    return page({ metricsState: state });
  }
}

/** What an error says of the media; null: it is an error of the stream. */
function stateOf(error: unknown, product: string): MetricsState | null {
  if (!(error instanceof ProviderError)) return null;
  // Also seen beside code 4 (instagram-facts 12).
  if (error.providerCode?.endsWith('/2108006') === true) return 'before_conversion';
  if (codeOf(error) !== '10') return null;
  // The same code says that a permission is missing.
  const said = error.providerMessage ?? '';
  const isPermission = /permission|not authori[sz]ed/i.test(said);
  return /viewers|enough/i.test(said) || (product === 'STORY' && !isPermission) ? 'too_few_viewers' : null;
}

interface Told {
  insights: Insight[];
  refused: string[];
}

/** One metric that the platform refuses fails the whole call: then each is asked for alone, once. */
async function readOrEach(reads: Reads, subject: Subject, metrics: readonly string[]): Promise<Told> {
  try {
    return { insights: await ask(reads, subject, metrics), refused: [] };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (metrics.length === 1) return { insights: [], refused: [...metrics] };
  }
  const insights: Insight[] = [];
  const refused: string[] = [];
  for (const metric of metrics) {
    const told = await readOrEach(reads, subject, [metric]);
    insights.push(...told.insights);
    refused.push(...told.refused);
  }
  return { insights, refused };
}

/** Whether the platform refuses the metrics, and not the media. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof ProviderError) || isMissing(error)) return false;
  return codeOf(error) === '100' && error.providerCode?.endsWith('/2108006') !== true;
}

async function ask(
  reads: Reads,
  { id }: Subject,
  metrics: readonly string[],
  breakdown?: string,
): Promise<Insight[]> {
  const answer = await reads.get(`/${id}/insights`, {
    metric: metrics.join(','),
    ...(breakdown === undefined ? {} : { breakdown }),
  });
  return rowsOf(answer).flatMap((row) => numbersOf(row));
}

/** The parts of a metric: of stories, which have few reads, and of other media when the numbers have settled. */
async function readParts(
  reads: Reads,
  subject: Subject,
  insights: readonly Insight[],
  refused: readonly string[],
): Promise<Told> {
  const none = { insights: [], refused: [] };
  const parts = entryOf(BREAKDOWNS, productOf(subject));
  if (parts === undefined) return none;
  const { metric, breakdown } = parts;
  const name = `${metric}:${breakdown}`;
  const isThere = insights.some((one) => one.metric === metric && one.value > 0);
  if (!isThere || refused.includes(name) || !hasParts(subject)) return none;
  try {
    const told = await ask(reads, subject, [metric], breakdown);
    return { insights: told.filter((one) => one.breakdown !== ''), refused: [] };
  } catch (error) {
    // Code 1 looks like an outage and is for good, if the metric itself was just answered (instagram-facts 12).
    const isForGood = isRefusal(error) || (error instanceof ProviderError && codeOf(error) === '1');
    if (!isForGood) throw error;
    return { insights: [], refused: [name] };
  }
}

function hasParts(subject: Subject): boolean {
  if (productOf(subject) === 'STORY') return true;
  const age = Date.now() - (subject.at?.getTime() ?? Date.now());
  return age >= 2 * DAY && age < 3 * DAY;
}
