# Twelve jobs, six of them in a make below this one, which shares its slots by a jobserver.
names := 1 2 3 4 5 6

all: $(names:%=job-%) below
	@echo all

job-%:
	@echo $@ $(findstring --jobserver,$(MAKEFLAGS))

below:
	@$(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) names="$(names:%=1%)" jobs

jobs: $(names:%=job-%)

fails:
	@exit 3

.DELETE_ON_ERROR:
half:
	@echo begun > $@; echo begun; sleep 1000
