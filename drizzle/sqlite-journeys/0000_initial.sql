CREATE TABLE `claims` (
	`id` blob PRIMARY KEY NOT NULL,
	`claimed` integer NOT NULL,
	`expires` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `claims_expires` ON `claims` (`expires`);--> statement-breakpoint
CREATE TABLE `journeys` (
	`id` blob PRIMARY KEY NOT NULL,
	`content` blob NOT NULL,
	`expires` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `journeys_expires` ON `journeys` (`expires`);--> statement-breakpoint
CREATE TABLE `provider_rows` (
	`id` blob PRIMARY KEY NOT NULL,
	`content` blob NOT NULL,
	`consumed` integer,
	`expires` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `provider_rows_expires` ON `provider_rows` (`expires`);