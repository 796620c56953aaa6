CREATE TABLE `figures` (
	`petition` integer NOT NULL,
	`figure` text NOT NULL,
	`key` text NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`petition`, `figure`, `key`),
	FOREIGN KEY (`petition`) REFERENCES `petitions`(`ref`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "figures_count" CHECK("figures"."count" >= 0)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `identity_keys` (
	`hash` blob NOT NULL,
	`issuer` text NOT NULL,
	`jwks` blob NOT NULL,
	`seen` integer NOT NULL,
	PRIMARY KEY(`issuer`, `hash`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `petitions` (
	`ref` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`slug` text NOT NULL,
	`title` text NOT NULL,
	`text` text NOT NULL,
	`statement` blob NOT NULL,
	`opened` integer NOT NULL,
	`closes` integer,
	`closed` integer,
	`min_age` integer NOT NULL,
	`departments` integer NOT NULL,
	`acr` text NOT NULL,
	`issuer` text NOT NULL,
	`client_id` text NOT NULL,
	`nym_key` blob NOT NULL,
	`wrapped_secret` blob
);
--> statement-breakpoint
CREATE UNIQUE INDEX `petitions_id` ON `petitions` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `petitions_slug` ON `petitions` (`slug`);--> statement-breakpoint
CREATE TABLE `signatures` (
	`petition` integer NOT NULL,
	`nym` blob NOT NULL,
	`state` integer NOT NULL,
	`day` integer NOT NULL,
	`department` text,
	PRIMARY KEY(`petition`, `nym`),
	FOREIGN KEY (`petition`) REFERENCES `petitions`(`ref`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "signatures_nym" CHECK(length("signatures"."nym") = 32),
	CONSTRAINT "signatures_state" CHECK("signatures"."state" in (1, 2, 3))
) WITHOUT ROWID;
