DROP TABLE "usage_hourly_totals";
