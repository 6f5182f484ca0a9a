DROP INDEX "posts_undeleted";--> statement-breakpoint
ALTER TABLE "posts" ADD COLUMN "summary" text;--> statement-breakpoint
ALTER TABLE "webhook_events" ADD COLUMN "given_up_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "media_uploading" ON "media" USING btree ("created_at") WHERE state = 'uploading' and deleted_at is null;--> statement-breakpoint
CREATE INDEX "posts_deleting" ON "posts" USING btree ("deletion_started_at") WHERE deletion_requested_at is not null and deleted_at is null and deletion_error is null;