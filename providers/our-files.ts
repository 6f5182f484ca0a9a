import type { MediaFacts } from './publishing.ts';

/** The probed properties of an uploaded file. Null or absent: unknown. */
export interface FileFacts extends MediaFacts {
  codec: string | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  /** The video's bits a second, without sound. */
  bitRate: number | null;
  /** Chroma subsampling of a video: `4:2:0`, ... */
  chroma?: string | null;
  audioCodec?: string | null;
  audioChannels?: number | null;
  /** Hertz. */
  audioSampleRate?: number | null;
  /** Whether the index (`moov`) precedes the media data. */
  indexFirst?: boolean | null;
}

/** An uploaded file that a request names. */
export interface OurFile extends FileFacts {
  id: string;
  sha256: string | null;
}

/** Uploaded files by their ids in the request. */
export type OurFiles = ReadonlyMap<string, OurFile>;

/** @throws Error if the file is not one of `OpenedBody.mediaIds` */
export function fileNamed(files: OurFiles, mediaId: string): OurFile {
  const file = files.get(mediaId);
  if (file === undefined) throw new Error('a file was not looked for');
  return file;
}
