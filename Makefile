# Muster: `make help` lists every target. Two are enough to begin with: `make demo` and `make test`.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
FIRMWARE ?= bios
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 600

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: dependencies
dependencies: ## install the Debian packages that are missing (root, apt)
	@packaging/dependencies

.PHONY: build
build: dependencies ## build the programs (debug) into .build/debug
	swift build --jobs $(JOBS)

.PHONY: agent
agent: dependencies ## build the node's agent: release, static Swift, runs on EL8 and later
	@packaging/agent/build

.PHONY: image
image: build agent ## build images/node-minimal.yaml into .build/images
	.build/debug/muster image build images/node-minimal.yaml --output .build/images

.PHONY: demo
demo: build agent ## the main job on real firmware: FIRMWARE=bios (default), uefi, uefi-http
	@packaging/demo/demo --firmware $(FIRMWARE)

.PHONY: test
test: dependencies check agent ## everything: build, checks, every test, one end-to-end boot
	swift build --build-tests --jobs $(JOBS)
	packaging/test

.PHONY: test-boot
test-boot: build agent ## the demo on every firmware, with our DHCP, beside another's, and over IPv6 (slow: about ten minutes)
	@for firmware in bios uefi uefi-http; do packaging/demo/demo --firmware $$firmware; done
	@for firmware in bios uefi uefi-http; do packaging/demo/demo --firmware $$firmware --dhcp proxy; done
	@for firmware in uefi uefi-http; do packaging/demo/demo --firmware $$firmware --ip 6; done

.PHONY: test-boot-storm
test-boot-storm: build ## 10,000 DHCP messages a second of made-up machines, and muster-boot killed among them (three minutes)
	swift build --build-tests --jobs $(JOBS)
	MUSTER_TEST_STORM=60 packaging/test --filter StormTests

.PHONY: test-faults
test-faults: build agent ## the demo with the engine killed -9 in every phase, and with clocks of 1970 and 2099
	@packaging/demo/demo --kill-engine
	@packaging/demo/demo --clock 1970-01-02
	@packaging/demo/demo --clock 2099-01-01

.PHONY: test-fuzz
test-fuzz: dependencies ## libFuzzer through the decoders of netlink, STOMP, JSON, XML, DHCP, DHCPv6, TFTP and HTTP: FUZZ_SECONDS (600) each
	@packaging/fuzz $(FUZZ_SECONDS)

.PHONY: test-images
test-images: build agent ## the slow image tests: every image by every firmware and way (two or three hours)
	swift build --build-tests --jobs $(JOBS)
	MUSTER_TEST_IMAGES=1 packaging/test --filter 'ImageBuilderTests|ArchiveTests|LiveRootTests|BootedImageTests'
	@for firmware in bios efi secure; do packaging/images/disk-try $$firmware || exit 1; done

.PHONY: test-verified
test-verified: build agent ## one signed EFI program by PXE and HTTP boot under Secure Boot, alone and with a root image, and refused after one flipped bit; shim and GRUB, pxelinux, rescue (half an hour)
	@packaging/images/verified-boot

.PHONY: test-convert
test-convert: build agent ## existing servers become nodes and go back, with every fault (ten minutes)
	swift build --build-tests --jobs $(JOBS)
	MUSTER_TEST_CONVERT=1 packaging/test --filter 'HostConversionTests|ConversionTryTests'

.PHONY: test-power
test-power: build agent ## power management against ipmi_sim and a Redfish emulator, and real boots by a board, BIOS and UEFI (seven minutes)
	swift build --build-tests --jobs $(JOBS)
	MUSTER_TEST_REDFISH=$$(packaging/redfish) packaging/test --filter 'PowerTests|PowerCourseTests|PowerRouteTests|RedfishTests|ArrivalTests|ArrivalHTTPTests|SoftFenceTests|FenceAgentsTests'
	@for firmware in bios uefi; do packaging/demo/demo --bmc --firmware $$firmware || exit 1; done

.PHONY: test-engine
test-engine: build ## the engine's faults and attacks at full size: 100,000 claims, 1,000 machines at once (fifteen minutes)
	swift build --build-tests --jobs $(JOBS)
	MUSTER_TEST_ENGINE=1 packaging/test --filter 'EngineFaultTests|EngineAttackTests|AttackRouteTests|EngineTests.*Fault|RestoredEngineTests|ClockAndVersionTests|SupportBundleTests|LogFormatTests|FaultsPageTests'

.PHONY: test-api
test-api: build agent ## oVirt's own SDK and Ansible's modules, unmodified, against simulated hosts, one real node and one real server (fifteen minutes)
	@packaging/api/try
	@packaging/api/node
	@packaging/convert/try ansible

.PHONY: test-console
test-console: build agent ## the web console in Debian's Chromium against a fresh engine, conversion of a server included (three minutes)
	@packaging/console/try

.PHONY: bench-boot
bench-boot: dependencies ## boot services by us and by the peers' programs, in turn; 1,000 machines at once (.build/bench/boot.json)
	swift build -c release --scratch-path .build-release --product muster-boot
	swift build -c release --scratch-path .build-release --product muster-engine
	swift build -c release --scratch-path .build-release --product muster
	@Benchmarks/boot/bench
	@Benchmarks/boot/storm
	@Benchmarks/boot/storm --segment

.PHONY: test-boot-https
test-boot-https: build ## UEFI HTTPS boot under OVMF: loads with our CA enrolled, refuses another (slow, root)
	@packaging/demo/https-boot

.PHONY: bench-boot-time
bench-boot-time: image ## from a machine's first DISCOVER to its kernel, by every firmware, by us and by dnsmasq with nginx
	swift build -c release --scratch-path .build-release --product muster-boot
	@Benchmarks/boot/firsttokernel

.PHONY: bench-image
bench-image: build agent ## image work by us and by the peers' programs, in turn (.build/bench/image.json)
	@Benchmarks/image/bench

.PHONY: bench-convert
bench-convert: build agent ## conversion of existing servers: overhead, and many at once (.build/bench/convert.json)
	swift build --build-tests --jobs $(JOBS)
	@Benchmarks/convert/bench

.PHONY: bench-network
bench-network: agent ## N VLANs and bridges over one bond, by the agent and by ip -batch (.build/bench/network.json)
	@Benchmarks/network/bench

.PHONY: bench-engine
bench-engine: ## one engine with a thousand and ten thousand simulated hosts (.build/bench/engine.json)
	swift build -c release --scratch-path .build-release --product muster-engine
	swift build -c release --scratch-path .build-release --product muster
	@Benchmarks/engine/bench

.PHONY: check
check: ## formatting, lint, and the import rules of the house
	@packaging/check/check

.PHONY: format
format: ## format the Swift sources in place
	swift format --in-place --recursive --parallel Package.swift Sources Tests

.PHONY: clean
clean: ## remove what the build and the demo made
	rm -rf .build .build-agent .build-power
