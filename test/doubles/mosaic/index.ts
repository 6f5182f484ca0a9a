import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { fileNamed } from '../../../providers/our-files.ts';
import type { Platform } from '../../../providers/platform.ts';
import type { Requests } from '../../../providers/requests.ts';
import { Name, Words } from '../../../providers/texts.ts';
import type { Reader } from '../../../settings/reader.ts';
import { createMosaic, ERROR_CODES, type MosaicSettings, PairRequest } from './provider.ts';

/* Mosaic as a platform of the registry. */

const Body = Type.Object({
  format: Type.Enum(['PAIR']),
  mediaIds: Type.Array(Name, { minItems: 2, maxItems: 2 }),
  text: Type.Optional(Words),
});

const requests: Requests = {
  fields: Body.properties,
  open(body) {
    const { mediaIds, text = '' } = Value.Parse(Body, Value.Clean(Body, structuredClone(body)));
    return {
      problems: [],
      mediaIds,
      read: (files) => ({
        request: { format: 'PAIR', files: mediaIds.map((id) => ({ mediaId: id })), text },
        problems: [],
        file: null,
        same: ['PAIR', mediaIds.map((id) => fileNamed(files, id).sha256), text],
      }),
    };
  },
  bodyOf({ request }) {
    const { format, files, text } = Value.Parse(PairRequest, request);
    return { format, mediaIds: files.map(({ mediaId }) => mediaId), text };
  },
};

const SETTINGS = [
  { name: 'MOSAIC_CLIENT_ID', fallback: '', about: 'App id.' },
  { name: 'MOSAIC_CLIENT_SECRET', fallback: '', about: 'App secret.' },
  { name: 'MOSAIC_REDIRECT_URI', fallback: '', about: 'Registered redirect URI.' },
  { name: 'MOSAIC_URL', fallback: '', about: 'Base URL.' },
  { name: 'MOSAIC_UNITS', fallback: '1000000', about: 'What the app may spend a day.' },
] as const;

/** @param value of a setting, by its name */
export const settingsOf = (value: (name: (typeof SETTINGS)[number]['name']) => string): MosaicSettings => ({
  clientId: value('MOSAIC_CLIENT_ID'),
  clientSecret: value('MOSAIC_CLIENT_SECRET'),
  redirectUri: value('MOSAIC_REDIRECT_URI'),
  url: value('MOSAIC_URL'),
  units: Number(value('MOSAIC_UNITS')),
});

const read = ({ value }: Reader): MosaicSettings | null =>
  value('MOSAIC_CLIENT_ID') === '' ? null : settingsOf(value);

export const mosaic: Platform<MosaicSettings> = {
  about: {
    title: 'Mosaic',
    tellsLimits: false,
    example: (mediaId) => ({ format: 'PAIR', mediaIds: [mediaId, mediaId] }),
    errorCodes: {
      head: ['code'],
      rows: Object.entries(ERROR_CODES).map(([name, meaning]) => ({ names: [name], meaning })),
    },
  },
  settings: { settings: SETTINGS, redirectUris: ['MOSAIC_REDIRECT_URI'], read },
  requests,
  create: (settings) => [createMosaic(settings)],
};
