CREATE INDEX "media_kept" ON "media" USING btree ("created_at") WHERE state = 'ready' and deleted_at is null;--> statement-breakpoint
CREATE INDEX "posts_media" ON "posts" USING btree ("media_id") WHERE media_id is not null;--> statement-breakpoint
CREATE INDEX "posts_named_media" ON "posts" USING gin (jsonb_path_query_array("request", '$.**.mediaId'));