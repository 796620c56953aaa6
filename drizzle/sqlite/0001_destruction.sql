ALTER TABLE `log` ADD `key_id` blob;--> statement-breakpoint
ALTER TABLE `petitions` ADD `destruction` integer;