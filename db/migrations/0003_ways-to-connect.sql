ALTER TABLE "connect_links" ADD COLUMN "method" text;--> statement-breakpoint
ALTER TABLE "oauth_accounts" ADD COLUMN "method" text;--> statement-breakpoint
ALTER TABLE "oauth_states" ADD COLUMN "method" text;