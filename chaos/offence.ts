export type Kind = 'duplicate' | 'loss' | 'mismatch';

/** Something that must never be. */
export interface Offence {
  kind: Kind;
  what: string;
  postId: string | null;
  title: string | null;
}

/** An offence that is no single offered publish's. */
export const offence = (kind: Kind, what: string, postId: string | null = null): Offence => ({
  kind,
  what,
  postId,
  title: null,
});
