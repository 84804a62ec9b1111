# The commands a person types here. `make help` lists them.

export INVENTORY LIMIT REPORT_LANGUAGE FAIL_ON LAB FAULT REPAIR
export ANSIBLE_CONFIG := ansible.cfg
unexport ANSIBLE_COLLECTIONS_PATH
export LC_ALL := C.UTF-8

python := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help check test soak bench lab lab-down lock

$(if $(filter-out never warning unknown critical,$(FAIL_ON)),$(error FAIL_ON=$(FAIL_ON) is none of never, warning, unknown, critical))
$(if $(filter-out en ko,$(REPORT_LANGUAGE)),$(error REPORT_LANGUAGE=$(REPORT_LANGUAGE) is neither en nor ko))

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \([^:]*\):* */\1\t\2\t/p' $(MAKEFILE_LIST) | while IFS="	" read -r name text options; do \
		printf '%-10s %s\n' "$$name" "$$text"; if [ -n "$$options" ]; then printf '%10s %s\n' "" "$$options"; fi; \
	done

check: ## Check nodes and report: INVENTORY=localhost|lab|PATH LIMIT=n1,n2 REPORT_LANGUAGE=en|ko FAIL_ON=never|warning|unknown|critical
	@inventory="$${INVENTORY:-localhost}"; if [ -e "inventories/$$inventory" ]; then inventory="inventories/$$inventory"; fi; \
	if ! [ -e "$$inventory" ]; then \
		echo "INVENTORY=$$INVENTORY is neither a path nor one of: $$(ls inventories | tr '\n' ' ')" >&2; exit 2; \
	fi; \
	requirements/install controller && \
	$(python) -m ansible playbook --inventory "$$inventory" $${LIMIT:+--limit "$$LIMIT"} \
		$${REPORT_LANGUAGE:+--extra-vars "node_boot_check_report_language=$$REPORT_LANGUAGE"} \
		--extra-vars "node_boot_check_fail_on=$${FAIL_ON:-never}" playbooks/node_boot_check.yml

test: ## Prove the project, all of it or parts: PART="lint units"
	@requirements/install test && $(python) tests/run $(PART)

soak: ## Run one of the long sweeps, an hour at most, resumed by the next: PART=parsers|schedules|faults|vms|ha|molecule|importer
	@requirements/install test && $(python) tests/run --soak $(PART)

bench: ## Measure speed
	@requirements/install test && $(python) tests/run --install-only bench && \
	for benchmark in tests/benchmarks/*.py; do PYTHONPATH=.venv/collections $(python) "$$benchmark" || exit; done

lab: ## Have a lab of two nodes up, and break or mend it: LAB=node|xen FAULT=path_lost REPAIR=path_lost|all
	@requirements/install test && $(python) tests/run --install-only lab && \
	$(python) tests/lab/lab.py --lab "$${LAB:-node}" up $${FAULT:+--fault "$$FAULT"} $${REPAIR:+--repair "$$REPAIR"}

lab-down: ## End a lab: LAB=node|xen
	@$(python) tests/lab/lab.py --lab "$${LAB:-node}" down

lock: ## Resolve requirements/*.in anew
	@requirements/install test && for name in controller test importer; do \
		.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --native-tls \
			--custom-compile-command "make lock" --output-file requirements/$$name.txt requirements/$$name.in || exit; \
	done
