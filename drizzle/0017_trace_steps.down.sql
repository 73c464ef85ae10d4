ALTER TABLE "traces" DROP COLUMN "steps";
