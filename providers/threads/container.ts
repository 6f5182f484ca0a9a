import { createContainer, type PostContainers } from '../meta/containers.ts';
import { fields, urlParams } from '../meta/media.ts';
import type { PostContext, Written } from '../publishing.ts';
import { answered, items, type Part, proofUnit } from './chain.ts';

/** Creates the container of a part, or of an item of its carousel (threads-facts 4.1). @throws ProviderError */
export async function makeContainer(
  containers: PostContainers,
  context: PostContext,
  part: Part,
  step: string,
): Promise<Written> {
  const ref = part.unit.media[items(part).indexOf(step)];
  if (ref !== undefined) {
    const params = {
      media_type: ref.kind === 'image' ? 'IMAGE' : 'VIDEO',
      is_carousel_item: 'true',
      ...urlParams(context, ref),
      ...fields({ alt_text: ref.alt_text }),
    };
    return { partId: (await createContainer(containers, context, params)).id, logId: null };
  }
  if (step === part.name('proof')) {
    const params = containerParams({ ...part, unit: proofUnit(part) }, context, undefined);
    return { partId: (await createContainer(containers, context, params)).id, logId: null };
  }
  const params = containerParams(part, context, answered(part, context));
  const made = await createContainer(containers, context, params, items(part));
  return { ...(part.before === null ? { publishId: made.id } : { partId: made.id }), logId: null };
}

function containerParams(
  part: Part,
  context: PostContext,
  answers: string | undefined,
): Record<string, string> {
  const { mediaType, media, postInfo } = part.unit;
  const { allowlisted_country_codes: countries, ...info } = postInfo;
  const [only] = media;
  return {
    media_type: mediaType,
    ...fields({
      ...info,
      reply_to_id: answers,
      allowlisted_country_codes: countries?.join(','),
    }),
    ...(mediaType === 'CAROUSEL'
      ? {
          children: items(part)
            .map((step) => context.made[step] ?? '')
            .join(','),
        }
      : only === undefined
        ? {}
        : urlParams(context, only)),
  };
}
