# A Debian package by CPack: one per minor version of Wireshark, since a plugin is loaded by no other.
# Must install nothing that install.cmake does not, but what Debian wants of any package. Built and tried in a clean
# root by scripts/package.sh.
#
# SPDX-License-Identifier: GPL-2.0-or-later

# Who made the package, as Debian's own tools ask for it. The author of the files is not the packager.
foreach(part IN ITEMS FULLNAME EMAIL)
    set(DEB${part} "$ENV{DEB${part}}" CACHE STRING "The packager, in the Debian package")
    mark_as_advanced(DEB${part})
endforeach()
if(NOT DEBFULLNAME)
    set(DEBFULLNAME "tcpstate packager")
endif()
if(NOT DEBEMAIL)
    set(DEBEMAIL "packager@tcpstate.invalid")
endif()

math(EXPR next_minor "${Wireshark_MINOR_VERSION} + 1")
set(next_series ${Wireshark_MAJOR_VERSION}.${next_minor})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME tcpstate)
set(CPACK_PACKAGE_VENDOR tcpstate)
set(CPACK_PACKAGE_CONTACT "${DEBFULLNAME} <${DEBEMAIL}>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Wireshark ${tcpstate_series} plugin: TCP states of both endpoints")
set(CPACK_PACKAGE_DESCRIPTION "\
For every TCP packet of a capture, the state of both endpoints as RFC 9293
names them, the transitions that the packet proves, the completed handshakes
and closes, and reports of what is stuck, refused or reset. It works in the
Wireshark window, in tshark and in display filters.

This build is for Wireshark ${tcpstate_series} and is loaded by no other version.")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/COPYING)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX ${Wireshark_INSTALL_PREFIX})
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

# A newer Wireshark's build is the newer package: 0.1.0+ws4.0 < 0.1.0+ws4.4 < 0.2.0+ws4.0.
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION}+ws${tcpstate_series})
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# The libraries' own dependencies are found by dpkg-shlibdeps; the series is what Wireshark asks for besides.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "wireshark-common (>= ${tcpstate_series}~), wireshark-common (<< ${next_series}~)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "wireshark | tshark")
set(CPACK_DEBIAN_PACKAGE_ENHANCES "wireshark, tshark")

# Debian's own papers. They are of no use elsewhere: CPack alone installs their component.
set(papers ${CMAKE_CURRENT_BINARY_DIR})
string(TIMESTAMP today "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(CONFIGURE OUTPUT ${papers}/changelog.Debian CONTENT "\
tcpstate (${CPACK_DEBIAN_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * Built for Wireshark ${tcpstate_series}. What changed in tcpstate is in changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${today}
")
tcpstate_compress(${papers}/changelog.Debian)
install(FILES ${papers}/changelog.Debian.gz ${CMAKE_CURRENT_LIST_DIR}/copyright
    DESTINATION ${tcpstate_documents} COMPONENT debian EXCLUDE_FROM_ALL)
set(CPACK_INSTALL_CMAKE_PROJECTS "${PROJECT_BINARY_DIR};tcpstate;ALL;/;${PROJECT_BINARY_DIR};tcpstate;debian;/")

include(CPack)
