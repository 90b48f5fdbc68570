-- Writes what changed of one instance; a new revision and a feed entry only if something did.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5… report, as in preludeReport.lua
-- Returns the revision; 0 where nothing is observed any more.
return write_report(read_report(5), now())
