import { addPlatform } from '../../../providers/index.ts';
import { instagram } from '../../../providers/instagram/index.ts';
import type { Reading } from '../../../providers/reading.ts';
import { createModeration } from './moderation.ts';

/* Imported first (node --import): an Instagram that moderates comments, if its own provider does not yet. */

const NOTHING: Reading = {
  streams: [],
  unsupported: {},
  read: () => Promise.reject(new Error('this Instagram reads nothing')),
};

addPlatform('instagram', {
  about: instagram.about,
  settings: instagram.settings,
  requests: instagram.requests,
  create: (settings) => {
    const { facebookLogin } = Object(settings);
    return instagram.create(Object(settings)).map((provider) => {
      const reading: Reading | undefined = 'reading' in provider ? provider.reading : undefined;
      if (reading?.moderation !== undefined || facebookLogin === undefined) return provider;
      return {
        ...provider,
        reading: { ...(reading ?? NOTHING), moderation: createModeration(facebookLogin) },
      };
    });
  },
});
