/** Instagram, as it is known without its settings. */
export const about = { title: 'Instagram', methods: ['facebook_login', 'instagram_login'] };
