-- Writes what changed of one instance; a new revision and a feed entry only if something did.
--
-- KEYS, ARGV 1–4  as in preludeServer.lua
-- ARGV  5… report, as in preludeReport.lua
-- Returns the revision; 0 where nothing is observed any more; or the error CONFLICT if another agent stands for the server.
local report = read_report(5)
if other_agent(report.agent) then return redis.error_reply('CONFLICT ' .. OTHER_AGENT) end
return write_report(report, now())
