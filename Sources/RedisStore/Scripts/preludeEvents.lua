-- Prelude of the script that only adds an event.
--
-- KEYS  1 events  2 fence  3 refused
local K = { events = KEYS[1], fence = KEYS[2], refused = KEYS[3] }
