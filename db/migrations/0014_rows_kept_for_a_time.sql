CREATE INDEX "audit_log_at_index" ON "audit_log" USING btree ("at");--> statement-breakpoint
CREATE INDEX "connect_links_expires_at_index" ON "connect_links" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "oauth_states_expires_at_index" ON "oauth_states" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "oauth_states_connect_link_id_index" ON "oauth_states" USING btree ("connect_link_id");