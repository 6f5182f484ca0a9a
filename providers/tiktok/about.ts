/** TikTok, as it is known without its settings. */
export const about = { title: 'TikTok' };
