# What is installed where: for everybody (cmake --install), for one user (install-user), and how it goes away again.
# Must not know how anything is compiled. Look next: package.cmake, which makes a Debian package of the same files.
#
# SPDX-License-Identifier: GPL-2.0-or-later

# A plugin is found only in the folder of Wireshark's own prefix: that is the usual one here, not /usr/local.
if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
    set(CMAKE_INSTALL_PREFIX ${Wireshark_INSTALL_PREFIX} CACHE PATH "Wireshark's prefix" FORCE)
endif()
set(tcpstate_series ${Wireshark_MAJOR_VERSION}.${Wireshark_MINOR_VERSION})
set(tcpstate_documents share/doc/tcpstate)

# Below the prefix, so that another prefix or a package gets the same tree. Wireshark looks for this kind in "epan".
file(RELATIVE_PATH tcpstate_plugins ${Wireshark_INSTALL_PREFIX} ${Wireshark_PLUGIN_INSTALL_DIR}/epan)
install(TARGETS tcpstate LIBRARY DESTINATION ${tcpstate_plugins})

# Compresses PATH to [NAME].gz as Debian wants it, without the time of day: the same source makes the same file.
# Where there is no gzip (Windows) it makes nothing, and these files are left out.
find_program(GZIP_PROGRAM gzip)
mark_as_advanced(GZIP_PROGRAM)
function(tcpstate_compress path)
    get_filename_component(name ${path} NAME)
    if(ARGC GREATER 1)
        set(name ${ARGV1})
    endif()
    if(NOT GZIP_PROGRAM)
        return()
    endif()
    set(made ${CMAKE_CURRENT_BINARY_DIR}/${name}.gz)
    add_custom_command(OUTPUT ${made} COMMAND ${GZIP_PROGRAM} -9nc ${path} > ${made} DEPENDS ${path} VERBATIM)
    add_custom_target(compress-${name} ALL DEPENDS ${made})
endfunction()

if(EXISTS ${PROJECT_SOURCE_DIR}/docs/tcpstate.7)
    tcpstate_compress(${PROJECT_SOURCE_DIR}/docs/tcpstate.7)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/tcpstate.7.gz DESTINATION share/man/man7 OPTIONAL)
endif()
tcpstate_compress(${PROJECT_SOURCE_DIR}/CHANGELOG.md changelog)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz DESTINATION ${tcpstate_documents} OPTIONAL)
install(FILES ${PROJECT_SOURCE_DIR}/README.md DESTINATION ${tcpstate_documents})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION ${tcpstate_documents} PATTERN tcpstate.7 EXCLUDE)
# The captures that README and docs show commands on.
file(GLOB captures CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/captures/*.pcap ${PROJECT_SOURCE_DIR}/captures/*.pcapng)
install(FILES ${captures} ${PROJECT_SOURCE_DIR}/captures/README.md DESTINATION ${tcpstate_documents}/captures)

# What both ways of removing share: remove.cmake deletes files and then the folders that this leaves empty.
set(remove ${CMAKE_CURRENT_LIST_DIR}/remove.cmake)
add_custom_target(uninstall
    COMMAND ${CMAKE_COMMAND} -D MANIFEST=${PROJECT_BINARY_DIR}/install_manifest.txt -P ${remove}
    COMMENT "Removing what cmake --install installed" VERBATIM)

# For this user alone: where the Wireshark that is here looks, which only it knows.
set(for_user -D MODULE=$<TARGET_FILE:tcpstate> -D PROFILE=${tcpstate_profile} -D SERIES=${tcpstate_series}
    -P ${CMAKE_CURRENT_LIST_DIR}/user.cmake)
add_custom_target(install-user
    COMMAND ${CMAKE_COMMAND} -D ACTION=install ${for_user}
    DEPENDS tcpstate COMMENT "Installing tcpstate for this user" VERBATIM)
add_custom_target(uninstall-user
    COMMAND ${CMAKE_COMMAND} -D ACTION=remove ${for_user}
    COMMENT "Removing this user's tcpstate" VERBATIM)
