# Installs the plugin into the folder where this user's Wireshark looks for plugins, or removes it from there.
# Run as a script: cmake -D ACTION=install|remove -D MODULE=tcpstate.so -D PROFILE=FOLDER -D SERIES=4.0 -P user.cmake
# Look next: remove.cmake.
#
# SPDX-License-Identifier: GPL-2.0-or-later
include(${CMAKE_CURRENT_LIST_DIR}/remove.cmake)

# Wireshark knows its folders. On macOS and Windows they are others than here, and XDG variables move them.
execute_process(COMMAND tshark -G folders OUTPUT_VARIABLE folders ERROR_QUIET RESULT_VARIABLE trouble)
if(NOT trouble AND folders MATCHES "(^|\n)Personal Plugins:[ \t]*([^\n\r]+)")
    set(plugins ${CMAKE_MATCH_2})
    # The last part is the version whose plugins are looked for there; 4-0 in a macOS bundle.
    string(REGEX REPLACE "^.*[/\\]([0-9]+)[.-]([0-9]+)$" "\\1.\\2" series ${plugins})
    if(NOT series STREQUAL SERIES)
        message(FATAL_ERROR "This plugin was built for Wireshark ${SERIES}, but the tshark that is here looks for \
plugins in ${plugins}. Build it again with the development files of that version.")
    endif()
else()
    set(plugins $ENV{HOME}/.local/lib/wireshark/plugins/${SERIES})
    message(STATUS "There is no tshark to ask for its folders: taking ${plugins}")
endif()
if(NOT trouble AND folders MATCHES "(^|\n)Personal configuration:[ \t]*([^\n\r]+)")
    set(profiles ${CMAKE_MATCH_2}/profiles)
else()
    set(profiles $ENV{HOME}/.config/wireshark/profiles)
endif()

# A profile is its user's: one that is there is left as it is, and what was changed in it stays.
function(install_profile)
    get_filename_component(name ${PROFILE} NAME)
    if(EXISTS ${profiles}/${name})
        message(STATUS "The profile \"${name}\" is there already and stays as it is: ${profiles}/${name}")
    else()
        file(INSTALL ${PROFILE} DESTINATION ${profiles})
    endif()
endfunction()

function(remove_profile)
    get_filename_component(name ${PROFILE} NAME)
    file(GLOB files RELATIVE ${PROFILE} ${PROFILE}/*)
    foreach(file IN LISTS files)
        if(EXISTS ${profiles}/${name}/${file})
            file(SHA256 ${PROFILE}/${file} ours)
            file(SHA256 ${profiles}/${name}/${file} theirs)
            if(ours STREQUAL theirs)
                remove_files(${profiles}/${name}/${file})
            endif()
        endif()
    endforeach()
    if(EXISTS ${profiles}/${name})
        message(STATUS "Changed since, and so left: ${profiles}/${name}")
    endif()
endfunction()

get_filename_component(name ${MODULE} NAME)
if(ACTION STREQUAL "remove")
    remove_files(${plugins}/epan/${name})
    remove_profile()
else()
    file(INSTALL ${MODULE} DESTINATION ${plugins}/epan)
    install_profile()
    execute_process(COMMAND id -u OUTPUT_VARIABLE user OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(user STREQUAL "0")
        message(WARNING "You are root, and Wireshark loads no personal plugins when run as root: use \
`cmake --install`, or be another user.")
    endif()
endif()
