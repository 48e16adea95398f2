package swim
