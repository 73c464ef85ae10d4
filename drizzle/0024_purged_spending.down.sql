ALTER TABLE "budget_windows" DROP COLUMN "purged";
